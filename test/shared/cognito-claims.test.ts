import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { cognitoClientId, cognitoSub, createCognitoTokens } from '../support/cognito-tokens.ts';
import { refusalCode } from '../support/refusal-code.ts';

const audience = 'https://mcp.example.com/mcp';
const identifier = 'https://mcp.example.com';
const nowMs = 1_800_000_000_000;

const pool = createCognitoTokens(identifier, () => nowMs);

function world(identifiers: readonly string[] = [identifier]) {
  const fetches: string[] = [];
  const verifier = createTokenVerifier({
    issuers: [
      {
        issuer: pool.issuer,
        jwksUri: `${pool.issuer}/.well-known/jwks.json`,
        cognito: { clientIds: [cognitoClientId], resourceServerIdentifiers: identifiers },
      },
    ],
    now: () => nowMs,
    fetch: (async (url: string) => {
      fetches.push(url);
      return Response.json(pool.jwks);
    }) as typeof fetch,
  });
  return { verifier, fetches };
}

test('a person’s token of a pool is read as one of ours', async () => {
  const { verifier } = world();
  const { claims, ...token } = await verifier.verify(pool.ofUser(), audience);
  assert.deepEqual(token, {
    issuer: pool.issuer,
    subject: `cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE|${cognitoSub}`,
    audience,
    scopes: ['echo:read', 'echo:write'],
    clientId: cognitoClientId,
    tokenId: 'f5e4d3c2',
    expiresAtMs: nowMs + 3_600_000,
  });
  const { tenant, roles, kind } = claims;
  assert.deepEqual({ tenant, roles, kind }, { tenant: 'acme', roles: ['operator'], kind: 'human' });
});

test('a client’s own token is an agent’s', async () => {
  const { verifier } = world();
  const { claims, scopes, subject } = await verifier.verify(pool.ofClient(), audience);
  assert.deepEqual([claims.kind, claims.tenant, claims.roles, scopes], ['agent', 'acme', ['reader'], ['echo:read']]);
  assert.ok(subject.endsWith(`|${cognitoClientId}`));
});

test('what a token says of its kind is not what makes it one', async () => {
  const { verifier } = world();
  assert.equal((await verifier.verify(pool.ofClient({ kind: 'human' }), audience)).claims.kind, 'agent');
  assert.equal((await verifier.verify(pool.ofUser({ kind: 'agent' }), audience)).claims.kind, 'human');
});

test('groups are the roles where no trigger says them', async () => {
  const { verifier } = world();
  const { claims } = await verifier.verify(pool.ofUser({ roles: undefined }), audience);
  assert.deepEqual(claims.roles, ['operator']);
  const none = await verifier.verify(pool.ofUser({ roles: undefined, 'cognito:groups': undefined }), audience);
  assert.deepEqual(none.claims.roles, []);
});

test('a token that was bound to the resource is for that resource alone', async () => {
  const { verifier } = world();
  const bound = pool.ofUser({ aud: audience });
  assert.equal((await verifier.verify(bound, audience)).audience, audience);
  assert.equal(
    await refusalCode(verifier.verify(bound, 'https://mcp.example.com/servers/echo/mcp')),
    'audience_mismatch',
  );
  assert.equal((await verifier.verify(pool.ofUser({ aud: audience, scope: undefined }), audience)).scopes.length, 0);
});

test('several resource servers of one pool may be ours', async () => {
  const { verifier } = world([identifier, `${identifier}/data`, `${identifier}/money`]);
  const scope = `${identifier}/data/postgres:query:readonly ${identifier}/money/billing:read`;
  const { scopes } = await verifier.verify(pool.ofUser({ scope }), audience);
  assert.deepEqual(scopes, ['postgres:query:readonly', 'billing:read']);
});

const refused: readonly (readonly [what: string, token: (from: typeof pool) => string, code: string])[] = [
  ['an ID token', (from) => from.idToken(), 'token_invalid'],
  [
    'an ID token that claims a client and a scope',
    (from) => from.idToken({ client_id: cognitoClientId }),
    'token_invalid',
  ],
  ['another token_use', (from) => from.ofUser({ token_use: 'refresh' }), 'token_invalid'],
  ['no token_use', (from) => from.ofUser({ token_use: undefined }), 'token_invalid'],
  [
    'no token_use, typed as an access token',
    (from) => from.ofUser({ token_use: undefined }, { typ: 'at+jwt' }),
    'token_invalid',
  ],
  ['another client', (from) => from.ofUser({ client_id: 'another' }), 'token_invalid'],
  ['a longer client id', (from) => from.ofUser({ client_id: `${cognitoClientId}0` }), 'token_invalid'],
  ['no client', (from) => from.ofUser({ client_id: undefined }), 'token_invalid'],
  ['a client by azp alone', (from) => from.ofUser({ client_id: undefined, azp: cognitoClientId }), 'token_invalid'],
  [
    'a scope of another resource server',
    (from) => from.ofUser({ scope: 'https://crm.example.com/read' }),
    'audience_mismatch',
  ],
  [
    'one more scope, of another resource server',
    (from) => from.ofUser({ scope: `${identifier}/echo:read https://crm.example.com/read` }),
    'audience_mismatch',
  ],
  [
    'the scope of user administration',
    (from) => from.ofUser({ scope: 'aws.cognito.signin.user.admin' }),
    'audience_mismatch',
  ],
  ['a bare scope name', (from) => from.ofUser({ scope: 'echo:read' }), 'audience_mismatch'],
  [
    'an identifier that only begins like ours',
    (from) => from.ofUser({ scope: `${identifier}.evil.example/echo:read` }),
    'audience_mismatch',
  ],
  ['an identifier below ours', (from) => from.ofUser({ scope: `${identifier}/other/echo:read` }), 'audience_mismatch'],
  ['our identifier without a name', (from) => from.ofUser({ scope: `${identifier}/` }), 'audience_mismatch'],
  ['no scope and no audience', (from) => from.ofUser({ scope: undefined }), 'audience_mismatch'],
  ['an empty scope', (from) => from.ofUser({ scope: ' ' }), 'audience_mismatch'],
  ['scopes as a list', (from) => from.ofUser({ scope: [`${identifier}/echo:read`] }), 'token_invalid'],
  ['the audience of another resource', (from) => from.ofUser({ aud: 'https://mcp.example.com' }), 'audience_mismatch'],
  ['two audiences', (from) => from.ofUser({ aud: [audience, 'https://crm.example.com'] }), 'audience_mismatch'],
  ['a subject that is neither a user nor the client', (from) => from.ofClient({ sub: cognitoSub }), 'token_invalid'],
  ['no subject', (from) => from.ofUser({ sub: undefined }), 'token_invalid'],
  ['HS256 with the public key as the secret', (from) => from.confused(), 'token_invalid'],
  ['alg none', (from) => `${from.ofUser({}, { alg: 'none' }).split('.').slice(0, 2).join('.')}.`, 'token_invalid'],
  ['PS256', (from) => from.ofUser({}, { alg: 'PS256' }), 'token_invalid'],
  ['an expired token', (from) => from.ofUser({ exp: nowMs / 1000 - 61 }), 'token_expired'],
  ['another pool', (from) => from.ofUser({ iss: `${from.issuer}2` }), 'token_invalid'],
];

for (const [what, make, code] of refused) {
  test(`refused: ${what}`, async () => {
    const { verifier } = world();
    assert.equal(await refusalCode(verifier.verify(make(pool), audience)), code);
  });
}

test('a verified token costs no second look at the keys', async () => {
  const { verifier, fetches } = world();
  const token = pool.ofUser();
  const first = await verifier.verify(token, audience);
  assert.equal(await verifier.verify(token, audience), first);
  assert.equal(fetches.length, 1);
});

test('the rules of a pool hold for its tokens alone', async () => {
  const own = createCognitoTokens(identifier, () => nowMs, 'https://id.example.com');
  const verifier = createTokenVerifier({
    issuers: [{ issuer: own.issuer, jwksUri: `${own.issuer}/jwks` }],
    now: () => nowMs,
    fetch: (async () => Response.json(own.jwks)) as typeof fetch,
  });
  assert.equal(await refusalCode(verifier.verify(own.ofUser(), audience)), 'audience_mismatch');
});
