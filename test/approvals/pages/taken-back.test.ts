import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeCard } from '../../../runtime/approvals/messages/outcome-card.ts';
import { requestPage } from '../../../runtime/approvals/pages/request-page.ts';
import { sampleDecision, sampleRequest } from '../../support/approval.ts';
import { sampleQuestion } from '../../support/question.ts';
import { sampleShown } from '../../support/shown-request.ts';

const closedAtMs = 1_795_000_060_000;
const takenBack = { atMs: closedAtMs + 60_000, by: 'heidi', reason: 'Wrong table.' };

/** The page and the card of a yes that was taken back. */
function shown(callsMax: number, callsUsed: number) {
  const use = { callsUsed, callsMax, usedAtMs: undefined, usableUntilMs: closedAtMs + 900_000, takenBack };
  const request = sampleRequest({ state: 'approved', closedAtMs, decision: sampleDecision() });
  const page = requestPage(sampleShown({ request, use }));
  const yes = { state: 'approved', by: 'grace', atMs: closedAtMs, usableUntilMs: use.usableUntilMs, use } as const;
  return { page, card: JSON.stringify(outcomeCard(sampleQuestion(), yes).blocks) };
}

test('a yes to several calls that is taken back says on page and card which of them had run', () => {
  const { page, card } = shown(10, 3);
  assert.match(page, /heidi took the yes back at <time [^>]+>[^<]+<\/time> after 3 of 10 calls ran\./);
  assert.match(page, /<li><time [^>]+>[^<]+<\/time> heidi took the yes back after 3 of 10 calls ran\.<\/li>/);
  assert.match(card, /Calls that ran: .*3 of 10/);
});

test('a yes to one call that is taken back counts no calls', () => {
  const { page, card } = shown(1, 0);
  assert.match(page, /heidi took the yes back at <time [^>]+>[^<]+<\/time>\./);
  assert.doesNotMatch(page + card, /calls ran|Calls that ran/);
});
