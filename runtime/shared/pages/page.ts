import { hash } from 'node:crypto';
import { Html, html } from './html.ts';

const style = `
:root { color-scheme: light dark; --ink: #17202e; --soft: #4d5b6e; --line: #cfd6e0; --page: #f1f4f8; --card: #ffffff; --deep: #0b5cad; --on-deep: #ffffff; --warn-ink: #6a4300; --warn: #fff4dc; --warn-line: #e2b04a; --chip: #e9eef5; --gone: #fbdcdc; --new: #d5f0dc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9eef6; --soft: #a9b6c8; --line: #38455a; --page: #0f151f; --card: #182130; --deep: #7fbcff; --on-deep: #0b1625; --warn-ink: #ffdf9e; --warn: #33280f; --warn-line: #8a6a1e; --chip: #253247; --gone: #4a2527; --new: #1f4029; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header { width: 100%; max-width: 34rem; padding: 2.5rem 1.25rem 1rem; font-weight: 650; letter-spacing: .01em; display: flex; align-items: center; gap: .6rem; }
header::before { content: ""; width: .9rem; height: 1.3rem; border: .22rem solid var(--deep); border-bottom: 0; border-radius: .7rem .7rem 0 0; }
main { width: 100%; max-width: 34rem; padding: 0 1.25rem 3rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: 1.6rem; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: .95rem; margin: 1.5rem 0 .4rem; color: var(--soft); font-weight: 600; }
p { margin: .4rem 0; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
ul { margin: 0; padding: 0; list-style: none; }
.scopes li { padding: .6rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.scopes li:first-child { border-top: 0; }
code { font: .85em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: var(--soft); overflow-wrap: anywhere; }
.scopes code { display: block; }
.tag { display: inline-block; font-size: .78rem; font-weight: 600; padding: .05rem .5rem; border-radius: 1rem; background: var(--warn); color: var(--warn-ink); border: 1px solid var(--warn-line); margin-left: .35rem; }
.note { background: var(--warn); color: var(--warn-ink); border: 1px solid var(--warn-line); border-radius: .6rem; padding: .7rem .9rem; margin: 1rem 0; }
.note code { color: inherit; }
.users form { margin: .5rem 0 0; }
button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: .55rem 1.1rem; border-radius: .6rem; border: 1px solid var(--line); background: var(--card); color: var(--ink); cursor: pointer; }
button:hover { border-color: var(--deep); }
button:focus-visible { outline: 3px solid var(--deep); outline-offset: 2px; }
button.main { background: var(--deep); border-color: var(--deep); color: var(--on-deep); }
.users button { width: 100%; text-align: left; display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .6rem; }
.users span { font-weight: 400; color: var(--soft); }
.users .role { margin-left: auto; background: var(--chip); color: var(--ink); border-radius: 1rem; padding: 0 .6rem; font-size: .85rem; }
.users .about { flex-basis: 100%; font-size: .9rem; }
.choice { display: flex; gap: .7rem; margin-top: 1.6rem; flex-wrap: wrap; }
.choice button { flex: 1 1 9rem; }
.switch { margin-top: 1.2rem; }
a { color: var(--deep); }
a:focus-visible, pre:focus-visible, textarea:focus-visible { outline: 3px solid var(--deep); outline-offset: 2px; }
.words { font-size: 1.1rem; font-weight: 600; }
pre { margin: .4rem 0; padding: .8rem .9rem; max-height: 24rem; overflow: auto; background: var(--chip); border: 1px solid var(--line); border-radius: .6rem; font: .85rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
dl { margin: 1.2rem 0; }
dt { color: var(--soft); font-size: .9rem; }
dd { margin: 0 0 .6rem; overflow-wrap: anywhere; }
.requests li { padding: .8rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.requests a { overflow-wrap: anywhere; }
.requests a code { color: inherit; font-weight: 600; }
.requests .about { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.answer { border-top: 1px solid var(--line); padding-top: 1rem; }
.answer .choice { margin: .8rem 0; }
label { display: block; overflow-wrap: anywhere; font-weight: 600; margin-bottom: .4rem; }
label .soft { font-weight: 400; }
textarea { width: 100%; font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: .6rem; padding: .6rem .8rem; resize: vertical; }
.account { border-top: 1px solid var(--line); margin-top: 1.4rem; padding-top: .8rem; font-size: .92rem; display: flex; flex-wrap: wrap; gap: 0 1.2rem; align-items: center; }
.account p:first-child { flex-basis: 100%; }
.account .switch { margin: 0; }
.account .switch button { font-weight: 400; }
pre.long { height: 24rem; max-height: none; resize: vertical; }
pre .line { display: block; padding-left: 4ch; text-indent: -4ch; }
pre del, pre ins { color: inherit; text-decoration: none; }
pre, pre .line, .requests code { direction: ltr; unicode-bidi: bidi-override; }
@media (min-width: 64rem) { main:has(pre), header:has(+ main pre) { max-width: 60rem; } main:has(pre) :is(p, dl, form, .life) { max-width: 46rem; } }
pre del { background: var(--gone); }
pre ins { background: var(--new); }
ol.life { margin: 0; padding: 0 0 0 1.2rem; }
.life li { padding: .15rem 0; overflow-wrap: anywhere; }
.life time { color: var(--soft); }
pre b { text-decoration: underline; text-underline-offset: 3px; }
.switch button { border: 0; padding: 0; min-height: 2rem; background: none; color: var(--deep); text-decoration: underline; }
`;

/** Hash of the one style sheet for `style-src` (CSP 3 § 2.3.1). */
export const styleHash = `'sha256-${hash('sha256', style, 'base64')}'`;

/** A whole page in these looks. Works without scripts, and there are none. */
export function page(title: string, content: Html): string {
  return pageDocument(
    title,
    style,
    html`<header>Toolgate</header>
<main><div class="card">
${content}
</div></main>`,
  );
}

/** The frame of every page: kept out of indexes, and as wide as the screen. `sheet` is CSS of ours, never of somebody else's words. */
export function pageDocument(title: string, sheet: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} - Toolgate</title>
<style>${new Html(sheet)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}
