import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal, reasonOf } from '../../runtime/shared/refusal.ts';

test('the record has what the caller is told, and behind it in brackets what the caller is not', () => {
  assert.equal(reasonOf(new Refusal('token_invalid')), 'The token is not valid.');
  const privateDetail = 'it is expired';
  assert.equal(reasonOf(new Refusal('token_invalid', { privateDetail })), 'The token is not valid. (it is expired)');
  assert.equal(reasonOf(new Refusal('token_invalid', { reason: 'No.', privateDetail })), 'No. (it is expired)');
});
