import assert from 'node:assert/strict';
import { test } from 'node:test';
import { obtainTokens } from '../../runtime/local/obtain-token.ts';
import { createTokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { claimsOf, everything, headerOf, postgres, startWorld } from './world.ts';

test('a person gets a token that our own verifier takes', async (t) => {
  const { issuer } = await startWorld(t);
  const tokens = await obtainTokens({ issuer, user: 'alice', resource: postgres });
  const verifier = createTokenVerifier({ issuers: [{ issuer, jwksUri: `${issuer}/jwks` }], now: Date.now });
  const verified = await verifier.verify(tokens.access_token, postgres);
  assert.equal(verified.subject, 'alice');
  await assert.rejects(verifier.verify(tokens.access_token, everything), { code: 'audience_mismatch' });
});
