import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endorseKey, type KeyEndorser, verifyStatement } from '../../../runtime/shared/signing-keys/key-statement.ts';
import { generateSigningKey } from '../../../runtime/shared/signing-keys/signing-keys.ts';
import { createEndorser } from '../../support/signing-world.ts';

const nowMs = 1_795_000_000_000;
const about = {
  actor: 'spiffe://toolgate.test/gateway',
  writer: 'gateway-1',
  issuedAtMs: nowMs,
  expiresAtMs: nowMs + 86_400_000,
};

/** A statement with other parts, signed by the root key all the same. */
async function changed(
  endorser: KeyEndorser,
  change: { readonly header?: object; readonly body?: object },
): Promise<string> {
  const [head = '', body = ''] = (await endorseKey(generateSigningKey(), endorser, about)).split('.');
  const signed = [
    [head, change.header],
    [body, change.body],
  ]
    .map(([part, more]) => ({
      ...JSON.parse(Buffer.from(part as string, 'base64url').toString()),
      ...(more as object),
    }))
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${Buffer.from(await endorser.sign(Buffer.from(signed))).toString('base64url')}`;
}

test('a statement tells the key, whose it is and until when', async () => {
  const endorser = createEndorser();
  const key = generateSigningKey();
  const { kid, publicJwk, actor, writer, expiresAtMs } = verifyStatement(
    await endorseKey(key, endorser, about),
    endorser,
    nowMs,
  );
  assert.deepEqual({ kid, publicJwk }, { kid: key.kid, publicJwk: key.publicJwk });
  assert.deepEqual(
    { actor, writer, expiresAtMs },
    { actor: about.actor, writer: 'gateway-1', expiresAtMs: about.expiresAtMs },
  );
});

const point = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) };
const wrong: readonly (readonly [string, RegExp, Parameters<typeof changed>[1]])[] = [
  ['another type of JWS', /another type/, { header: { typ: 'JWT' } }],
  ['another algorithm', /another type/, { header: { alg: 'none' } }],
  ['another purpose', /another purpose/, { body: { purpose: 'audit' } }],
  ['no actor', /no actor/, { body: { actor: 'gateway' } }],
  ['a life of a year', /valid for too long/, { body: { exp: nowMs / 1000 + 31_536_000 } }],
  ['an end before its beginning', /times/, { body: { exp: nowMs / 1000 - 1 } }],
  ['a beginning tomorrow', /future/, { body: { iat: nowMs / 1000 + 86_000 } }],
  ['times that are texts', /times/, { body: { exp: '2027' } }],
  ['a key on another curve', /P-256/, { body: { jwk: { ...point, crv: 'P-384' } } }],
  ['a key that is no point of the curve', /./, { body: { jwk: point } }],
];

for (const [what, why, change] of wrong) {
  test(`a statement with ${what} does not verify, although the root key signed it`, async () => {
    const endorser = createEndorser();
    const text = await changed(endorser, change);
    assert.throws(() => verifyStatement(text, endorser, nowMs), why);
  });
}

test('a statement of another root key, a changed one and what is no JWS do not verify', async () => {
  const endorser = createEndorser();
  const text = await endorseKey(generateSigningKey(), endorser, about);
  assert.throws(() => verifyStatement(text, createEndorser(), nowMs), /did not sign/);
  const [head, body, signature = ''] = text.split('.');
  const other = (await endorseKey(generateSigningKey(), endorser, about)).split('.')[1];
  assert.throws(() => verifyStatement([head, other, signature].join('.'), endorser, nowMs), /did not sign/);
  for (const garbage of ['', 'a.b', `${text}.x`, `${head}.${body}.`, `${head}.${body}.!!`, 'x'.repeat(5000)]) {
    assert.throws(() => verifyStatement(garbage, endorser, nowMs), /compact JWS|too long/);
  }
});
