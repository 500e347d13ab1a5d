import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { createTokenVerifier, type TokenVerifierOptions } from '../../runtime/shared/token-verifier.ts';
import { refusalCode } from '../support/refusal-code.ts';

const issuer = 'https://id.example.com';
const audience = 'https://gw.example.com/mcp';
const nowMs = 1_800_000_000_000;
const nowSeconds = nowMs / 1000;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const claims = {
  iss: issuer,
  sub: 'alice',
  aud: audience,
  client_id: 'client-1',
  scope: 'postgres:query:readonly s3:list',
  jti: 'token-1',
  tenant: 'acme',
  iat: nowSeconds,
  exp: nowSeconds + 900,
};
const header = { alg: 'RS256', kid: 'rsa-1', typ: 'at+jwt' };

type Members = Readonly<Record<string, unknown>>;

function token(overrides: { header?: Members; claims?: Members; key?: KeyObject } = {}): string {
  const input = [
    { ...header, ...overrides.header },
    { ...claims, ...overrides.claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const key = overrides.key ?? rsa.privateKey;
  const signature = sign(
    'sha256',
    Buffer.from(input),
    key.asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' } : key,
  );
  return `${input}.${signature.toString('base64url')}`;
}

/** An issuer's key endpoint in this process, counted and breakable. */
function endpoint() {
  const jwk = (key: KeyObject, more: Members): JsonWebKey => ({ ...key.export({ format: 'jwk' }), ...more });
  const state = {
    keys: [
      jwk(rsa.publicKey, { kid: 'rsa-1', alg: 'RS256', use: 'sig' }),
      jwk(ec.publicKey, { kid: 'ec-1', alg: 'ES256', use: 'sig' }),
      { kty: 'oct', kid: 'shared', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA' },
    ] as unknown[],
    fetches: [] as string[],
    answer: undefined as undefined | (() => Response | Promise<Response>),
  };
  const fetch = (async (url: string) => {
    state.fetches.push(String(url));
    return state.answer === undefined ? Response.json({ keys: state.keys }) : state.answer();
  }) as typeof globalThis.fetch;
  return { state, fetch };
}

function world(options: Partial<TokenVerifierOptions> = {}) {
  const { state, fetch } = endpoint();
  const clock = { nowMs };
  const verifier = createTokenVerifier({
    issuers: [{ issuer, jwksUri: `${issuer}/jwks` }],
    now: () => clock.nowMs,
    fetch,
    ...options,
  });
  return { verifier, state, clock };
}

test('a good token gives its caller, whichever allowed algorithm signed it', async () => {
  const { verifier } = world();
  const verified = await verifier.verify(token(), audience);
  assert.deepEqual(
    { ...verified, claims: undefined },
    {
      issuer,
      subject: 'alice',
      audience,
      scopes: ['postgres:query:readonly', 's3:list'],
      clientId: 'client-1',
      tokenId: 'token-1',
      expiresAtMs: (nowSeconds + 900) * 1000,
      claims: undefined,
    },
  );
  assert.equal(verified.claims.tenant, 'acme');
  const ecToken = token({ header: { alg: 'ES256', kid: 'ec-1' }, key: ec.privateKey });
  assert.equal((await verifier.verify(ecToken, audience)).subject, 'alice');
});

const signedPart = (parts: readonly unknown[]) =>
  parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
const publicPem = rsa.publicKey.export({ format: 'pem', type: 'spki' });
const hmacInput = signedPart([{ ...header, alg: 'HS256' }, claims]);
const hmacWith = (key: string | Buffer) =>
  `${hmacInput}.${createHmac('sha256', key).update(hmacInput).digest('base64url')}`;
const [goodHead, goodBody, goodSignature] = token().split('.') as [string, string, string];

const attacks: readonly (readonly [what: string, token: string, code: string])[] = [
  ['alg none without a signature', `${signedPart([{ alg: 'none', typ: 'at+jwt' }, claims])}.`, 'token_invalid'],
  ['alg none with a signature', token({ header: { alg: 'none' } }), 'token_invalid'],
  ['alg None in other letters', token({ header: { alg: 'nOnE' } }), 'token_invalid'],
  ['HS256 with the public key as the secret', hmacWith(publicPem), 'token_invalid'],
  [
    'HS256 with the JWK as the secret',
    hmacWith(JSON.stringify(rsa.publicKey.export({ format: 'jwk' }))),
    'token_invalid',
  ],
  ['HS256 by a symmetric key in the set', token({ header: { alg: 'HS256', kid: 'shared' } }), 'token_invalid'],
  ['RS256 by a symmetric key in the set', token({ header: { kid: 'shared' } }), 'token_invalid'],
  ['an algorithm that is not listed', token({ header: { alg: 'RS512' } }), 'token_invalid'],
  ['an algorithm that is not the key’s', token({ header: { alg: 'PS256' } }), 'token_invalid'],
  ['an EC key with an RSA algorithm', token({ header: { kid: 'ec-1' } }), 'token_invalid'],
  ['a key id that is a path', token({ header: { kid: '../../../../dev/null' } }), 'token_invalid'],
  ['a key id that is SQL', token({ header: { kid: "x' UNION SELECT 'a" } }), 'token_invalid'],
  ['a key id that is a prototype member', token({ header: { kid: '__proto__' } }), 'token_invalid'],
  ['a key id that is no string', token({ header: { kid: ['rsa-1'] } }), 'token_invalid'],
  ['no key id', token({ header: { kid: undefined } }), 'token_invalid'],
  ['jku', token({ header: { jku: 'https://evil.example/jwks' } }), 'token_invalid'],
  ['x5u', token({ header: { x5u: 'https://evil.example/cert' } }), 'token_invalid'],
  [
    'jwk',
    token({ header: { jwk: otherRsa.publicKey.export({ format: 'jwk' }) }, key: otherRsa.privateKey }),
    'token_invalid',
  ],
  ['x5c', token({ header: { x5c: ['MIIB'] } }), 'token_invalid'],
  ['a critical extension', token({ header: { crit: ['exp'], exp: 1 } }), 'token_invalid'],
  ['the unencoded payload option', token({ header: { crit: ['b64'], b64: false } }), 'token_invalid'],
  ['a signature of another key', token({ key: otherRsa.privateKey }), 'token_invalid'],
  ['a changed body', `${goodHead}.${signedPart([{ ...claims, sub: 'root' }])}.${goodSignature}`, 'token_invalid'],
  ['a cut signature', `${goodHead}.${goodBody}.${goodSignature.slice(0, -4)}`, 'token_invalid'],
  ['another issuer', token({ claims: { iss: 'https://evil.example' } }), 'token_invalid'],
  ['the issuer with a slash', token({ claims: { iss: `${issuer}/` } }), 'token_invalid'],
  ['no issuer', token({ claims: { iss: undefined } }), 'token_invalid'],
  ['an issuer list', token({ claims: { iss: [issuer] } }), 'token_invalid'],
  ['another audience', token({ claims: { aud: 'https://gw.example.com/servers/s3/mcp' } }), 'audience_mismatch'],
  ['the audience with a slash', token({ claims: { aud: `${audience}/` } }), 'audience_mismatch'],
  ['two audiences', token({ claims: { aud: [audience, 'https://other.example'] } }), 'audience_mismatch'],
  ['no audience', token({ claims: { aud: undefined } }), 'audience_mismatch'],
  ['an ID token by token_use', token({ claims: { token_use: 'id' } }), 'token_invalid'],
  ['an ID token by its nonce', token({ header: { typ: 'JWT' }, claims: { nonce: 'n' } }), 'token_invalid'],
  ['an ID token by its at_hash', token({ header: { typ: 'JWT' }, claims: { at_hash: 'h' } }), 'token_invalid'],
  ['a logout token', token({ header: { typ: 'logout+jwt' } }), 'token_invalid'],
  ['an identity assertion', token({ header: { typ: 'oauth-id-jag+jwt' } }), 'token_invalid'],
  ['no type', token({ header: { typ: undefined } }), 'token_invalid'],
  ['no expiry', token({ claims: { exp: undefined } }), 'token_invalid'],
  ['an expiry that is text', token({ claims: { exp: String(nowSeconds + 900) } }), 'token_invalid'],
  ['an expiry of null', token({ claims: { exp: null } }), 'token_invalid'],
  ['expired', token({ claims: { exp: nowSeconds - 61 } }), 'token_expired'],
  ['expired at the edge', token({ claims: { exp: nowSeconds - 60 } }), 'token_expired'],
  ['within the skew', token({ claims: { exp: nowSeconds - 59 } }), 'no refusal'],
  ['nbf in the future', token({ claims: { nbf: nowSeconds + 61 } }), 'token_invalid'],
  ['nbf within the skew', token({ claims: { nbf: nowSeconds + 60 } }), 'no refusal'],
  ['issued in the future', token({ claims: { iat: nowSeconds + 3600 } }), 'token_invalid'],
  ['nbf that is text', token({ claims: { nbf: 'now' } }), 'token_invalid'],
  ['no subject', token({ claims: { sub: undefined } }), 'token_invalid'],
  ['an empty subject', token({ claims: { sub: '' } }), 'token_invalid'],
  ['a subject that is an object', token({ claims: { sub: { name: 'alice' } } }), 'token_invalid'],
  ['no client', token({ claims: { client_id: undefined } }), 'token_invalid'],
  ['a scope list', token({ claims: { scope: ['s3:list'] } }), 'token_invalid'],
  ['a token over 8 KB', token({ claims: { padding: 'x'.repeat(8192) } }), 'token_invalid'],
  ['not a token', 'garbage', 'token_invalid'],
  ['nothing', '', 'token_invalid'],
  ['dots', '..', 'token_invalid'],
  ['an encrypted token', 'a.b.c.d.e', 'token_invalid'],
  ['a header that is a list', `${signedPart([[], claims])}.x`, 'token_invalid'],
  ['a header that is null', `${signedPart([null, claims])}.x`, 'token_invalid'],
  ['a body that is text', `${signedPart([header, 'claims'])}.x`, 'token_invalid'],
  ['a header that is not JSON', `e30x.${goodBody}.${goodSignature}`, 'token_invalid'],
  ['padding', `${goodHead}=.${goodBody}.${goodSignature}`, 'token_invalid'],
  ['a newline at the end', `${token()}\n`, 'token_invalid'],
];

test('every forged, foreign, late or broken token gets its refusal', async () => {
  const { verifier } = world();
  const answers = [];
  for (const [what, attack] of attacks) answers.push([what, await refusalCode(verifier.verify(attack, audience))]);
  assert.deepEqual(
    answers,
    attacks.map(([what, , code]) => [what, code]),
  );
});

test('no key is ever fetched from where a token points', async () => {
  const { verifier, state } = world();
  for (const [, attack] of attacks) await refusalCode(verifier.verify(attack, audience));
  assert.deepEqual([...new Set(state.fetches)], [`${issuer}/jwks`]);
});

test('an access token without a type is believed only when it says what it is for', async () => {
  const { verifier } = world();
  const cognito = token({ header: { typ: undefined }, claims: { token_use: 'access' } });
  assert.equal((await verifier.verify(cognito, audience)).subject, 'alice');
});

test('a verified token is remembered for its audience alone and until it expires', async () => {
  const { verifier, clock, state } = world();
  const good = token();
  const first = await verifier.verify(good, audience);
  assert.equal(await verifier.verify(good, audience), first);
  assert.equal(state.fetches.length, 1);
  assert.equal(await refusalCode(verifier.verify(good, 'https://gw.example.com/servers/s3/mcp')), 'audience_mismatch');
  clock.nowMs = first.expiresAtMs + 59_999;
  assert.equal(await verifier.verify(good, audience), first);
  clock.nowMs = first.expiresAtMs + 60_000;
  assert.equal(await refusalCode(verifier.verify(good, audience)), 'token_expired');
});

test('a refused token is looked at anew each time', async () => {
  const { verifier, clock } = world();
  const early = token({ claims: { nbf: nowSeconds + 120 } });
  assert.equal(await refusalCode(verifier.verify(early, audience)), 'token_invalid');
  clock.nowMs += 120_000;
  assert.equal((await verifier.verify(early, audience)).subject, 'alice');
});

test('remembered tokens are bounded', async () => {
  const { verifier, state } = world({ cachedTokensMax: 2 });
  for (let i = 0; i < 5; i += 1) await verifier.verify(token({ claims: { jti: `t${i}` } }), audience);
  assert.equal(state.fetches.length, 1);
});

test('while the key endpoint is down, cached keys serve, then nothing does', async () => {
  const { verifier, clock, state } = world({ jwksStaleMaxMs: 3_600_000 });
  await verifier.verify(token(), audience);
  state.answer = () => Promise.reject(new Error('connect ECONNREFUSED'));
  clock.nowMs += 600_000;
  const later = { iat: clock.nowMs / 1000, exp: clock.nowMs / 1000 + 900 };
  assert.equal((await verifier.verify(token({ claims: later }), audience)).subject, 'alice');
  assert.equal(
    await refusalCode(verifier.verify(token({ header: { kid: 'new' }, claims: later }), audience)),
    'identity_unavailable',
  );
  clock.nowMs += 3_600_000;
  const last = { iat: clock.nowMs / 1000, exp: clock.nowMs / 1000 + 900 };
  assert.equal(await refusalCode(verifier.verify(token({ claims: last }), audience)), 'identity_unavailable');
  state.answer = undefined;
  clock.nowMs += 30_000;
  assert.equal((await verifier.verify(token({ claims: last }), audience)).subject, 'alice');
});

test('a key endpoint that answers nonsense is an endpoint that is down', async () => {
  const answers: readonly (() => Response)[] = [
    () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
    () => new Response('{}', { status: 500 }),
    () => Response.json({ keys: 'none' }),
    () => Response.json(null),
    () => new Response('x'.repeat(300 * 1024)),
  ];
  for (const answer of answers) {
    const { verifier, state } = world();
    state.answer = answer;
    assert.equal(await refusalCode(verifier.verify(token(), audience)), 'identity_unavailable');
  }
});

test('a thousand made-up key ids cause one fetch in half a minute', async () => {
  const { verifier, clock, state } = world();
  await verifier.verify(token(), audience);
  clock.nowMs += 31_000;
  const guesses = Array.from({ length: 20 }, (_, i) => token({ header: { kid: `guess-${i}` } }));
  const thousand = Array.from({ length: 1000 }, (_, i) => guesses[i % 20] as string);
  const codes = await Promise.all(thousand.map((guess) => refusalCode(verifier.verify(guess, audience))));
  assert.deepEqual([...new Set(codes)], ['token_invalid']);
  assert.equal(state.fetches.length, 2);
});

test('a new key is found, and a token whose key is gone is refused although it was remembered', async () => {
  const { verifier, clock, state } = world();
  const old = token();
  await verifier.verify(old, audience);
  state.keys = [{ ...otherRsa.publicKey.export({ format: 'jwk' }), kid: 'rsa-2', alg: 'RS256' }];
  clock.nowMs += 31_000;
  const next = token({ header: { kid: 'rsa-2' }, key: otherRsa.privateKey });
  assert.equal((await verifier.verify(next, audience)).subject, 'alice');
  assert.equal(await refusalCode(verifier.verify(old, audience)), 'token_invalid');
});

test('keys are refreshed in the background while tokens keep coming', async () => {
  const { verifier, clock, state } = world({ jwksRefreshAfterMs: 300_000 });
  const good = token();
  await verifier.verify(good, audience);
  clock.nowMs += 300_001;
  await verifier.verify(good, audience);
  await verifier.verify(good, audience);
  assert.equal(state.fetches.length, 2);
});

test('whatever breaks inside is a refusal, never a caller', async () => {
  const { fetch } = endpoint();
  const issuers = [{ issuer, jwksUri: `${issuer}/jwks` }];
  const broken = (options: Partial<TokenVerifierOptions>) =>
    createTokenVerifier({ issuers, now: () => nowMs, fetch, ...options });
  const throws = () => {
    throw new TypeError('broken');
  };
  assert.equal(await refusalCode(broken({ now: throws }).verify(token(), audience)), 'token_invalid');
  assert.equal(await refusalCode(broken({ fetch: throws }).verify(token(), audience)), 'identity_unavailable');
  assert.equal(await refusalCode(broken({}).verify(undefined as unknown as string, audience)), 'token_invalid');
  assert.equal(await refusalCode(broken({}).verify({} as unknown as string, audience)), 'token_invalid');
  assert.equal(await refusalCode(broken({}).verify(token({ claims: { aud: '' } }), '')), 'audience_mismatch');
});

test('a symmetric algorithm or the same issuer twice stops the boot', () => {
  const one = { issuer, jwksUri: `${issuer}/jwks` };
  assert.throws(() => createTokenVerifier({ issuers: [{ ...one, algorithms: ['HS256'] }], now: Date.now }), /HS256/);
  assert.throws(() => createTokenVerifier({ issuers: [{ ...one, algorithms: ['none'] }], now: Date.now }), /none/);
  assert.throws(() => createTokenVerifier({ issuers: [one, one], now: Date.now }), /twice/);
});
