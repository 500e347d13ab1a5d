import type { GrantUse } from './messages/grant-use.ts';
import type { ClosedQuestion } from './messages/precedents.ts';
import type { SignedIn } from './page-sign-in.ts';
import { seesAll } from './sees-all.ts';
import type { PagesDeps } from './serve-pages.ts';

/** A question that is over, and what became of its yes; `use` is undefined when there is none, or nobody knows any more. */
export interface ClosedEntry {
  readonly question: ClosedQuestion;
  readonly use: GrantUse | undefined;
}

/** What is over that this person may look at, the latest first. Undefined when it cannot be read: that is no reason to keep what is open from anybody. */
export async function listClosed(person: SignedIn, deps: PagesDeps): Promise<readonly ClosedEntry[] | undefined> {
  const { tenant, subject } = person;
  const whose = seesAll(person, deps) ? { tenant } : { tenant, subject };
  const closed = await deps.history.list(whose, deps.now()).catch(() => undefined);
  return closed && Promise.all(closed.map(async (question) => ({ question, use: await useOf(question, deps) })));
}

async function useOf({ id, state }: ClosedQuestion, deps: PagesDeps): Promise<GrantUse | undefined> {
  if (state !== 'approved') return undefined;
  const request = await deps.approvals.find(id, deps.now()).catch(() => undefined);
  return request && deps.useOf(request);
}
