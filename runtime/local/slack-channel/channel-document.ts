import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Html } from '../../shared/pages/html.ts';
import { pageDocument } from '../../shared/pages/page.ts';

/** Looks like a channel of Slack; none of Slack's own pictures, names of classes or fonts are in it. */
const style = `
:root { color-scheme: light dark; --ink: #1d1c1d; --soft: #5a595b; --line: #d5d4d6; --page: #ffffff; --bar: #f6f4f7; --deep: #0b5cad; --yes: #00704f; --no: #c01048; --on: #ffffff; --code: #f4f2f5; --warn: #fff4dc; --warn-ink: #6a4300; --warn-line: #e2b04a; --shade: #1d1c1dcc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e4e8; --soft: #b0adb4; --line: #45434a; --page: #1a1d21; --bar: #222529; --deep: #7fbcff; --yes: #4fd0a6; --no: #ff8fae; --on: #10151a; --code: #24282d; --warn: #33280f; --warn-ink: #ffdf9e; --warn-line: #8a6a1e; --shade: #000000b8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header { position: sticky; top: 0; background: var(--bar); border-bottom: 1px solid var(--line); padding: .6rem max(1.25rem, 50% - 28.75rem); display: flex; flex-wrap: wrap; align-items: center; gap: .2rem 1.2rem; }
h1 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
header p { margin: 0; }
header a { display: inline-block; padding: .3rem 0; }
main, footer { max-width: 60rem; margin: 0 auto; padding: .6rem 1.25rem; }
footer { border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem; padding-bottom: 2rem; }
h2 { font-size: 1.1rem; line-height: 1.35; margin: .1rem 0 .5rem; overflow-wrap: anywhere; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
a { color: var(--deep); }
.fine, .soft { color: var(--soft); font-size: .85rem; }
ol { list-style: none; margin: 0; padding: 0; }
.message { padding: .9rem 0 .9rem 3.1rem; position: relative; scroll-margin-top: 4.5rem; }
.message::before { content: "T"; position: absolute; left: 0; top: 1rem; width: 2.3rem; height: 2.3rem; border-radius: .5rem; background: var(--deep); color: var(--on); font-weight: 700; text-align: center; line-height: 2.3rem; }
.message:target { background: linear-gradient(to right, transparent, var(--bar)); }
.thread .message { padding: .4rem 0 .4rem 2.4rem; }
.thread .message::before { width: 1.6rem; height: 1.6rem; line-height: 1.6rem; top: .5rem; font-size: .8rem; }
.thread { border-left: 2px solid var(--line); margin-top: .5rem; padding-left: .8rem; }
.by { margin: 0 0 .2rem; }
.by b { margin-right: .35rem; }
.app { font-size: .68rem; font-weight: 600; letter-spacing: .03em; padding: .05rem .3rem; border-radius: .2rem; background: var(--line); color: var(--ink); margin-right: .4rem; }
.whisper { color: var(--soft); }
.whisper::before { background: var(--line); color: var(--ink); }
.whisper .said { color: var(--ink); }
pre { margin: .5rem 0; padding: .6rem .8rem; max-height: 24rem; overflow: auto; background: var(--code); border: 1px solid var(--line); border-radius: .4rem; font: .8rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre .line { display: block; padding-left: 4ch; text-indent: -4ch; }
code { font: .85em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--code); border-radius: .2rem; padding: .05rem .2rem; }
.message div { overflow-wrap: anywhere; }
.actions { display: flex; flex-wrap: wrap; gap: .5rem; margin: .7rem 0 .2rem; }
.button, button { display: inline-block; font: inherit; font-weight: 600; min-height: 2.5rem; padding: .45rem .9rem; border-radius: .4rem; border: 1px solid var(--line); background: var(--page); color: var(--ink); cursor: pointer; text-decoration: none; }
.button:hover, button:hover { border-color: var(--ink); }
button.primary, .button.primary { background: var(--yes); border-color: var(--yes); color: var(--on); }
button.danger { background: var(--no); border-color: var(--no); color: var(--on); }
:focus-visible { outline: 3px solid var(--deep); outline-offset: 2px; }
.note { background: var(--warn); color: var(--warn-ink); border: 1px solid var(--warn-line); border-radius: .4rem; padding: .6rem .8rem; margin: .8rem 0; }
.shade { position: fixed; inset: 0; background: var(--shade); overflow: auto; padding: 1.25rem; display: grid; place-items: center; }
.dialog { width: 100%; max-width: 32rem; background: var(--page); border: 1px solid var(--line); border-radius: .7rem; padding: 1.2rem 1.4rem; }
.dialog .actions { justify-content: flex-end; margin-top: 1.1rem; }
label { display: block; font-weight: 600; margin: .6rem 0 .3rem; overflow-wrap: anywhere; }
textarea, input[type=text] { width: 100%; font: inherit; color: inherit; background: var(--page); border: 1px solid var(--soft); border-radius: .4rem; padding: .5rem .7rem; resize: vertical; }
`;

/** Nothing runs, nothing loads, nothing frames it, and forms lead to us alone. */
const policy = `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;

/** Sends a page in the looks of a channel. */
export function sendChannel(response: ServerResponse, status: number, title: string, body: Html): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': policy,
  });
  response.end(pageDocument(title, style, body));
}
