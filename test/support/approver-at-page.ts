import { setTimeout as delay } from 'node:timers/promises';
import type { SignInDrive } from '../../runtime/local/obtain-token.ts';
import { type Browser, openBrowser } from './browser.ts';

/** A person who has the approvals page open, wherever it is served: an approver, or who asked. */
export interface ApproverAtPage {
  /** Id of the open question, but for `except`, on whose page `text` stands; waits until it is listed. */
  find(text: string, except?: string): Promise<string>;
  /** Answers by the page's own form. Throws with the page when the answer does not stand. */
  answer(id: string, answer: PageAnswer, reason?: string): Promise<void>;
  /** What the page of a question says. */
  read(id: string): Promise<string>;
}

/** Names of the buttons. */
export type PageAnswer = 'approve' | 'approve-window' | 'deny' | 'take-back' | 'withdraw';

export interface PageOptions {
  /** URL of the list. */
  readonly approvals: string;
  readonly user: string;
  readonly signIn: SignInDrive;
}

const waitMs = 60_000;

/** Opens the page, is sent to sign in, and comes back signed in. */
export async function approverAtPage({ approvals, user, signIn }: PageOptions): Promise<ApproverAtPage> {
  const browser = patiently(openBrowser());
  const sentAway = await browser.go(approvals);
  if (sentAway.next === undefined) throw new Error(`${approvals} asks nobody to sign in: ${sentAway.status}`);
  const redirectUri = new URL(sentAway.next).searchParams.get('redirect_uri') ?? '';
  await browser.follow((await signIn(sentAway.next, redirectUri, user)).href);
  const pages = new Map<string, string>();
  const pageOf = (id: string) => `${approvals}/${id}`;
  return {
    find: (text, except) =>
      findQuestion((id, page) => id !== except && page.includes(text), { approvals, browser, pages }),
    async answer(id, answer, reason = '') {
      const page = await browser.go(pageOf(id));
      const form = /name="form" value="([^"]+)"/.exec(page.text)?.[1];
      if (form === undefined) throw new Error(`nothing can be answered: ${textOf(page.text)}`);
      const done = await browser.go(page.url, { form, answer, reason });
      if (done.status !== 303 || done.next !== page.url) throw new Error(`${done.status}: ${textOf(done.text)}`);
    },
    read: async (id) => textOf((await browser.go(pageOf(id))).text),
  };
}

/** A page that cannot be had right now, because a store is too slow on a busy machine, is asked for again; an answer too, which counts once. */
function patiently(browser: Browser): Browser {
  return {
    ...browser,
    async go(url, form) {
      let visit = await browser.go(url, form);
      for (let again = 0; again < 10 && visit.status === 503; again += 1) visit = await browser.go(url, form);
      return visit;
    },
  };
}

interface Lookout {
  readonly approvals: string;
  readonly browser: Browser;
  /** Texts of the pages that were read, by id: whoever looks for one after another reads each once. */
  readonly pages: Map<string, string>;
}

async function findQuestion(isWanted: (id: string, page: string) => boolean, lookout: Lookout): Promise<string> {
  const { approvals, browser, pages } = lookout;
  for (const deadline = Date.now() + waitMs; Date.now() < deadline; await delay(100)) {
    const list = await browser.go(approvals);
    for (const [, id = ''] of list.text.matchAll(/href="\/approvals\/([\w-]{22})"/g)) {
      const page = pages.get(id) ?? textOf((await browser.go(`${approvals}/${id}`)).text);
      pages.set(id, page);
      if (isWanted(id, page)) return id;
    }
  }
  throw new Error(`nobody was asked: ${JSON.stringify([...pages.values()])}`);
}

/** What a person reads. */
function textOf(page: string): string {
  return page
    .replace(/<style>.*?<\/style>|<[^>]*>/gs, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replace(/\s+/g, ' ');
}
