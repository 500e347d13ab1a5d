import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrantUse } from '../../../runtime/approvals/messages/grant-use.ts';
import type { ClosedQuestion } from '../../../runtime/approvals/messages/precedents.ts';
import { listPage } from '../../../runtime/approvals/pages/list-page.ts';
import { closedQuestion } from '../../support/question.ts';
import { sampleSignedIn } from '../../support/shown-request.ts';

const nowMs = Date.UTC(2026, 6, 27, 12, 5);
const unused: GrantUse = {
  callsUsed: 0,
  callsMax: 1,
  usedAtMs: undefined,
  usableUntilMs: nowMs + 1,
  takenBack: undefined,
};
const takenBack = { atMs: nowMs, by: 'heidi', reason: 'Wrong table.' };

/** What the list says below an entry that is over. */
function said(changes: Partial<ClosedQuestion>, use?: GrantUse): string | undefined {
  const question = closedQuestion(changes);
  const page = listPage({ person: sampleSignedIn(), toAnswer: [], own: [], closed: [{ question, use }], nowMs });
  return /<p class="soft">([^\n]*)post_message, asked by/.exec(page)?.[1]?.replaceAll(/<[^>]+>/g, '');
}

test('an entry that is over says how, in the words of its page, and whether the call ran', () => {
  const at = '27 Jul 2026, 12:00 UTC.';
  const yes = `Approved by ada, ${at}`;
  const none = { approver: undefined };
  assert.equal(said({ state: 'denied' }), `Denied by ada, ${at} `);
  assert.equal(said({ state: 'expired', ...none }), `Nobody answered in time, ${at} `);
  assert.equal(said({ state: 'withdrawn', ...none }), `No longer asked, ${at} `);
  assert.equal(said({}, unused), `${yes} The call may still run. `);
  assert.equal(said({}, { ...unused, callsUsed: 1, usedAtMs: nowMs }), `${yes} The call ran. `);
  assert.equal(said({}, { ...unused, usableUntilMs: nowMs }), `${yes} No call used it. `);
  assert.equal(said({}), `${yes} `);
  const window = { ...unused, callsMax: 10, callsUsed: 3 };
  const several = `Approved for several calls by ada, ${at}`;
  assert.equal(said({ scope: 'window' }, window), `${several} 3 of 10 calls ran. `);
  const taken = { scope: 'window', isTakenBack: true } as const;
  assert.equal(said(taken, { ...window, takenBack }), `${several} Taken back after 3 of 10 calls ran. `);
  assert.equal(said(taken), `${several} Taken back. `);
});

test('an entry is led by how its arguments begin, and by its words where an earlier version noted none', () => {
  const page = (beginning: string | undefined) => {
    const question = closedQuestion({ beginning });
    return listPage({ person: sampleSignedIn(), toAnswer: [], own: [], closed: [{ question, use: undefined }], nowMs });
  };
  assert.match(page('a: <1>'), /<a href="[^"]+"><code>a: &lt;1&gt;<\/code><\/a>\n<p class="about">Posts a message/);
  assert.match(page(undefined), /<a href="[^"]+">Posts a message to #general\.<\/a>\n<p class="soft">/);
});
