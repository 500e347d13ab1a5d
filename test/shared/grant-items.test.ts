import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantOf, toRequestItem } from '../../runtime/shared/approval-items.ts';
import { toGrantItem } from '../../runtime/shared/grant-items.ts';
import { sampleDecision, sampleQuestion, sampleRequest } from '../support/approval.ts';

test('what became of a yes is kept for longer than its question, which says so', () => {
  const { id, callId, openedAtMs, expiresAtMs } = sampleRequest();
  const asked = toRequestItem(sampleQuestion(), { requestId: id, callId, openedAtMs, expiresAtMs });
  for (const closedAtMs of [openedAtMs, expiresAtMs - 1]) {
    const grant = grantOf(sampleRequest({ state: 'approved', closedAtMs, decision: sampleDecision() }));
    assert.ok(grant && Number(toGrantItem(grant).expires_at?.N) > Number(asked.expires_at?.N));
  }
});
