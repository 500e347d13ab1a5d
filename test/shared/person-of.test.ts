import assert from 'node:assert/strict';
import { test } from 'node:test';
import { personOf } from '../../runtime/shared/person-of.ts';

test('accounts of one person are that person, and an account that nobody listed is its own', () => {
  const settings = {
    same_person: [
      ['ada', 'ada-admin', 'ada-ops'],
      ['oscar', 'oscar-admin'],
    ],
  };
  for (const account of ['ada', 'ada-admin', 'ada-ops']) assert.equal(personOf(account, settings), 'ada');
  assert.equal(personOf('oscar-admin', settings), 'oscar');
  assert.equal(personOf('grace', settings), 'grace');
  assert.equal(personOf('grace', {}), 'grace');
  assert.equal(personOf('grace', undefined), 'grace');
});
