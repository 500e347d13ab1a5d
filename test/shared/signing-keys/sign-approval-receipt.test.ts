import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSignApprovalReceipt } from '../../../runtime/shared/signing-keys/sign-approval-receipt.ts';
import { ownSigningKeys } from '../../../runtime/shared/signing-keys/signing-keys.ts';
import { createTokenVerifier } from '../../../runtime/shared/token-verifier.ts';
import { sampleGrant } from '../../support/grant.ts';
import { refusalCode } from '../../support/refusal-code.ts';

const issuer = 'https://mcp.example.com';
const audience = 'https://write.example.com/mcp';

test('a receipt names the yes, and opens no door that the same key’s tokens open', async () => {
  const now = () => sampleGrant().grantedAtMs + 1500;
  const keys = ownSigningKeys(now, 86_400_000);
  const jws = createSignApprovalReceipt({ now, keys, issuer })({ grant: sampleGrant(), audience, callId: 'call-1' });
  const claims = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
  assert.deepEqual(claims, {
    iss: issuer,
    aud: audience,
    jti: 'call-1',
    iat: 1_795_000_001,
    exp: 1_795_000_900,
    approval_id: 'grant-1',
    approver: 'approver-1',
    decided_at: 1_795_000_000,
    tenant: 'acme',
    sub: 'user-1',
    client_id: 'client-1',
    tool: 'postgres.write',
    definition_hash: 'd'.repeat(64),
    arguments_sha256: 'a'.repeat(64),
    policy_revision: 'abcdefabcdef',
  });
  const verifier = createTokenVerifier({
    issuers: [{ issuer, jwksUri: `${issuer}/.well-known/jwks.json`, algorithms: ['ES256'] }],
    now,
    fetch: async () => Response.json(await keys.jwks()),
  });
  assert.equal(await refusalCode(verifier.verify(jws, audience)), 'token_invalid');
});
