import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Construct } from 'constructs';
import { synthError } from '../../../lib/constructs/synth-error.ts';

test('an error of a construct says first where it stands', () => {
  const root = new Construct(undefined as never, '');
  const billing = new Construct(new Construct(root, 'Tenant'), 'Billing');
  assert.equal(synthError(billing, 'owner is empty').message, 'Tenant/Billing: owner is empty');
});
