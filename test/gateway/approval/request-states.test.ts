import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrantedCall } from '../../../runtime/contract/receipts.ts';
import { createRequestStates, stateLifetimeMs } from '../../../runtime/gateway/approval/request-states.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';

const key = Buffer.alloc(32, 7);
const nowMs = 1_795_000_000_000;
const call: GrantedCall = {
  tenant: 'acme',
  subject: 'ada',
  clientId: 'client-1',
  server: 'write',
  tool: 'postgres.write',
  definitionHash: 'd'.repeat(64),
  argumentsSha256: 'a'.repeat(64),
  policyRevision: 'abcdefabcdef',
};
const pending = { approvalId: 'approval-1', round: 3 };
const states = (at = nowMs, with_ = key) => createRequestStates({ key: with_, now: () => at });

/** Callers are told the same, whatever is wrong. */
function invalid(why: RegExp) {
  return (error: unknown) =>
    error instanceof Refusal &&
    error.code === 'request_state_invalid' &&
    error.message === new Refusal('request_state_invalid').message &&
    /send the call again/.test(error.message) &&
    why.test(error.details.privateDetail ?? '');
}

test('a state comes back as it was sealed, by any replica with the key, and says nothing to whoever carries it', () => {
  const text = states().seal(pending, call);
  assert.deepEqual(states(nowMs + stateLifetimeMs - 1).open(text, call), pending);
  assert.ok(text.length < 400);
  assert.ok(!Buffer.from(text.split('.')[1] ?? '', 'base64url').includes('approval-1'));
  assert.notEqual(states().seal(pending, call), text, 'two of the same are not equal');
});

test('a state with any bit changed, cut, longer or written in another way is none', () => {
  const text = states().seal(pending, call);
  const [prefix = '', body = ''] = text.split('.');
  const bytes = Buffer.from(body, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.throws(() => states().open(`${prefix}.${changed.toString('base64url')}`, call), invalid(/changed/));
  }
  for (let length = 0; length < text.length; length += 1) {
    assert.throws(() => states().open(text.slice(0, length), call), invalid(/./));
  }
  for (const other of [`${text}=`, `${text}A`, text.replace('.', '. '), `${prefix}.${bytes.toString('hex')}`]) {
    assert.throws(() => states().open(other, call), invalid(/not whole|changed/));
  }
  assert.throws(() => states().open('eyJmb28iOjF9', call), invalid(/none of this gateway/));
  assert.throws(() => states().open(`toolgate1.${'A'.repeat(1_000_000)}`, call), invalid(/too long/));
  for (const no of [7, null, {}, [text]]) assert.throws(() => states().open(no, call), invalid(/no text/));
});

test('a state sealed with another key is none', () => {
  assert.throws(
    () => states(nowMs, Buffer.alloc(32, 8)).open(states().seal(pending, call), call),
    invalid(/another key/),
  );
});

test('a state is none after 15 minutes, though nobody else may read it then', () => {
  const text = states().seal(pending, call);
  const late = states(nowMs + stateLifetimeMs);
  assert.throws(() => late.open(text, call), invalid(/expired/));
  assert.ok(late.isOwn(text, call));
});

for (const field of Object.keys(call) as (keyof GrantedCall)[]) {
  test(`a state is none for a call with another ${field}`, () => {
    const text = states().seal(pending, call);
    const other = { ...call, [field]: `${call[field]}x` };
    assert.throws(() => states().open(text, other), invalid(/another call/));
    assert.equal(states().isOwn(text, other), false);
  });
}
