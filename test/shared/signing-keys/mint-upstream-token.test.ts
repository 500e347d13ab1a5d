import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import type { Caller } from '../../../runtime/contract/caller.ts';
import { createMintUpstreamToken } from '../../../runtime/shared/signing-keys/mint-upstream-token.ts';
import { ownSigningKeys } from '../../../runtime/shared/signing-keys/signing-keys.ts';

const caller: Caller = {
  subject: 'ada',
  tenant: 'acme',
  kind: 'agent',
  roles: ['reader'],
  scopes: ['a:read', 'a:write', 'b:all'],
  clientId: 'client-1',
  issuer: 'https://issuer.test',
  tokenId: undefined,
  expiresAtMs: Date.now() + 60_000,
};

async function open(now = Date.now) {
  const keys = ownSigningKeys(now, 86_400_000);
  const mint = createMintUpstreamToken({
    now,
    keys,
    issuer: 'https://gateway.test',
    actor: 'spiffe://toolgate.test/gateway',
  });
  return { mint, jwks: createLocalJWKSet((await keys.jwks()) as JSONWebKeySet) };
}

test('every token verifies, whatever lengths its signature comes in', async () => {
  const { mint, jwks } = await open();
  // One in 128 has an integer with leading zeros.
  for (let i = 0; i < 600; i += 1) {
    const token = mint({ audience: 'urn:a', caller, scopes: ['a:read'], tool: 'a.one', callId: `call-${i}` });
    const { payload, protectedHeader } = await jwtVerify(token, jwks, {
      issuer: 'https://gateway.test',
      audience: 'urn:a',
      algorithms: ['ES256'],
      typ: 'at+jwt',
    });
    assert.equal(payload.jti, `call-${i}`);
    assert.equal(payload.scope, 'a:read');
    assert.equal(protectedHeader.alg, 'ES256');
  }
});

test('the yes of a person is in the token of its call, and the token lives no longer than it', async () => {
  const now = 1_790_000_000_000;
  const { mint } = await open(() => now);
  const grant = {
    id: 'grant-1',
    tenant: 'acme',
    subject: 'ada',
    clientId: 'client-1',
    server: 'a',
    tool: 'a.one',
    definitionHash: '',
    argumentsSha256: '',
    policyRevision: '',
    approver: 'grace',
    grantedAtMs: now - 1000,
    expiresAtMs: now + 10_000,
  };
  const approval = { grant, argumentsSha256: 'a'.repeat(64) };
  const token = mint({ audience: 'urn:a', caller, scopes: ['a:write'], tool: 'a.one', callId: 'c', approval });
  const claims = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
  assert.equal(claims.scope, 'a:write approved:by:human');
  assert.equal(claims.approval_id, 'grant-1');
  assert.equal(claims.arguments_sha256, 'a'.repeat(64));
  assert.equal(claims.exp, now / 1000 + 10);
});
