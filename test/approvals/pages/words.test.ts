import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noSay } from '../../../runtime/approvals/pages/words.ts';

test('whoever asked is told that alone, and not sent for a role', () => {
  const words = noSay(['approver_role_missing', 'own_request', 'policy_changed']);
  assert.equal(words, 'You asked for this yourself. Somebody else has to answer.');
});
