import { hash } from 'node:crypto';
import { compactVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { type CognitoBinding, cognitoClaims } from './cognito-claims.ts';
import { createIssuerKeys, type IssuerKey, type IssuerKeys } from './issuer-keys.ts';
import { Refusal } from './refusal.ts';

/** A signed token whose signature, issuer, audience and times were checked. */
export interface VerifiedToken {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly clientId: string;
  readonly tokenId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** All claims, for what only one reader needs (`tenant`, `roles`, `kind`, `act`). */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Verifies bearer tokens for one audience at a time. */
export interface TokenVerifier {
  /**
   * Throws Refusal `token_invalid`, `token_expired`, `audience_mismatch`, or `identity_unavailable` when the issuer's keys
   * cannot be had and no cached key fits.
   */
  verify(token: string, audience: string): Promise<VerifiedToken>;
}

/** An issuer whose tokens are believed. */
export interface TrustedIssuer {
  /** Compared as it is, character by character. */
  readonly issuer: string;
  readonly jwksUri: string;
  /** Asymmetric signature algorithms only. @default RS256, PS256 and ES256; RS256 alone for a Cognito user pool */
  readonly algorithms?: readonly string[];
  /** Given when the issuer is a Cognito user pool, whose tokens are bound otherwise. @default `aud` must be the resource */
  readonly cognito?: CognitoBinding;
}

export interface TokenVerifierOptions {
  readonly issuers: readonly TrustedIssuer[];
  readonly now: () => number;
  readonly fetch?: typeof fetch;
  /** How far clocks may be apart, seconds. */
  readonly clockToleranceSeconds?: number;
  readonly tokenBytesMax?: number;
  /** How many verified tokens are remembered. */
  readonly cachedTokensMax?: number;
  readonly jwksRefreshAfterMs?: number;
  readonly jwksStaleMaxMs?: number;
  readonly jwksCooldownMs?: number;
}

interface Issuer {
  readonly issuer: string;
  readonly algorithms: readonly string[];
  readonly cognito: CognitoBinding | undefined;
  readonly keys: IssuerKeys;
}

interface CachedToken {
  readonly answer: Promise<VerifiedToken>;
  readonly notAfterMs: number;
  readonly key: IssuerKey;
  readonly keys: IssuerKeys;
}

const asymmetric = /^(?:RS|PS|ES)(?:256|384|512)$|^(?:EdDSA|Ed25519)$/;
const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;
// Headers that name a key of the sender's choice (RFC 7515 § 4.1.2 to 4.1.6) or change what is signed (§ 4.1.11, RFC 7797). Nobody whom we
// trust sends them.
const refusedHeaders = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64'];

/** Verifies access tokens of the listed issuers (RFC 9068, RFC 8725). A verified token is remembered until it expires or its key goes. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { now, clockToleranceSeconds = 60, tokenBytesMax = 8192, cachedTokensMax = 10_000 } = options;
  const toleranceMs = clockToleranceSeconds * 1000;
  const issuers = readIssuers(options);
  const cache = new LRUCache<string, CachedToken>({ max: cachedTokensMax });

  async function verifySignature(token: string, audience: string, cacheKey: string): Promise<VerifiedToken> {
    const { header, claims } = decode(token);
    const issuer = typeof claims.iss === 'string' ? issuers.get(claims.iss) : undefined;
    if (issuer === undefined) throw invalid('it comes from an issuer that is not trusted here');
    const { alg, kid } = checkHeader(header, claims, issuer);
    const key = await issuer.keys.find(kid);
    if (key === undefined) throw invalid('its issuer publishes no such key');
    await compactVerify(token, await key.forAlgorithm(alg), { algorithms: [alg] });
    const verified = checkClaims(claims, issuer, audience, now(), toleranceMs);
    const notAfterMs = verified.expiresAtMs + toleranceMs;
    cache.set(cacheKey, { answer: Promise.resolve(verified), notAfterMs, key, keys: issuer.keys });
    return verified;
  }

  return {
    verify(token, audience) {
      try {
        // First, so that a huge token costs nothing.
        if (typeof token !== 'string' || token.length > tokenBytesMax) throw invalid('it is too long');
        const cacheKey = hash('sha256', `${audience}\n${token}`, 'base64');
        const cached = cache.get(cacheKey);
        if (cached !== undefined) {
          if (cached.keys.publishes(cached.key)) {
            if (now() >= cached.notAfterMs) throw new Refusal('token_expired');
            return cached.answer;
          }
          cache.delete(cacheKey);
        }
        return verifySignature(token, audience, cacheKey).catch(rethrowAsRefusal);
      } catch (error) {
        return Promise.reject(asRefusal(error));
      }
    },
  };
}

function readIssuers(options: TokenVerifierOptions): ReadonlyMap<string, Issuer> {
  const found = new Map<string, Issuer>();
  for (const { issuer, jwksUri, cognito, ...rest } of options.issuers) {
    const { algorithms = cognito === undefined ? ['RS256', 'PS256', 'ES256'] : ['RS256'] } = rest;
    const unfit = algorithms.find((algorithm) => !asymmetric.test(algorithm));
    if (unfit !== undefined) throw new Error(`issuer ${issuer}: "${unfit}" is no asymmetric signature algorithm`);
    if (found.has(issuer)) throw new Error(`issuer ${issuer} is listed twice`);
    const keys = createIssuerKeys({
      jwksUri,
      now: options.now,
      fetch: options.fetch ?? fetch,
      ...(options.jwksRefreshAfterMs === undefined ? {} : { refreshAfterMs: options.jwksRefreshAfterMs }),
      ...(options.jwksStaleMaxMs === undefined ? {} : { staleMaxMs: options.jwksStaleMaxMs }),
      ...(options.jwksCooldownMs === undefined ? {} : { cooldownMs: options.jwksCooldownMs }),
    });
    found.set(issuer, { issuer, algorithms, cognito, keys });
  }
  return found;
}

type JsonMembers = Readonly<Record<string, unknown>>;

function decode(token: string): { header: JsonMembers; claims: JsonMembers } {
  if (!compactJws.test(token)) throw invalid('it is not a signed JWT');
  const [header, claims] = token
    .split('.', 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')));
  for (const part of [header, claims]) {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) throw invalid('it is not a signed JWT');
  }
  return { header, claims };
}

function checkHeader(header: JsonMembers, claims: JsonMembers, issuer: Issuer): { alg: string; kid: string } {
  const { alg, kid } = header;
  if (typeof alg !== 'string' || !issuer.algorithms.includes(alg)) throw invalid('its algorithm is not allowed');
  if (typeof kid !== 'string' || kid === '' || kid.length > 256) throw invalid('it names no key');
  const refused = refusedHeaders.find((name) => Object.hasOwn(header, name));
  if (refused !== undefined) throw invalid(`it has the header "${refused}"`);
  if (!isAccessToken(header.typ, claims)) throw invalid('it is not an access token');
  return { alg, kid };
}

/** RFC 9068 § 2.1 types an access token; older issuers write JWT, and Cognito nothing but `token_use`. An ID token is never one. */
function isAccessToken(typ: unknown, claims: JsonMembers): boolean {
  const isSaidToBeAccess = claims.token_use === 'access';
  if (claims.token_use !== undefined && !isSaidToBeAccess) return false;
  if (claims.nonce !== undefined || claims.at_hash !== undefined || claims.events !== undefined) return false;
  if (typ === undefined) return isSaidToBeAccess;
  return typeof typ === 'string' && ['at+jwt', 'application/at+jwt', 'jwt'].includes(typ.toLowerCase());
}

function checkClaims(
  sent: JsonMembers,
  { issuer, cognito }: Issuer,
  audience: string,
  nowMs: number,
  toleranceMs: number,
): VerifiedToken {
  const { exp, nbf, iat } = sent;
  if (!isTime(exp)) throw invalid('it has no expiry');
  if (nowMs >= exp * 1000 + toleranceMs) throw new Refusal('token_expired');
  for (const [name, time] of Object.entries({ nbf, iat })) {
    if (time === undefined) continue;
    if (!isTime(time)) throw invalid(`its "${name}" is not a time`);
    if (time * 1000 - toleranceMs > nowMs) throw invalid('it is not valid yet');
  }
  const claims = cognito === undefined ? sent : cognitoClaims(sent, issuer, cognito, audience);
  const { sub, aud, jti, scope } = claims;
  // A token for several resources could be replayed by one of them at another.
  const only = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (audience === '' || only !== audience) throw new Refusal('audience_mismatch');
  const clientId = claims.client_id ?? claims.azp;
  if (!isName(sub)) throw invalid('it names no subject');
  if (!isName(clientId)) throw invalid('it names no client');
  if (scope !== undefined && typeof scope !== 'string') throw invalid('its scope is not a string');
  if (jti !== undefined && typeof jti !== 'string') throw invalid('its "jti" is not a string');
  return Object.freeze({
    issuer,
    subject: sub,
    audience,
    scopes: Object.freeze((scope ?? '').split(' ').filter((item) => item !== '')),
    clientId,
    tokenId: jti,
    expiresAtMs: exp * 1000,
    claims: Object.freeze(claims),
  });
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 2048;
}

function invalid(why: string): Refusal {
  return new Refusal('token_invalid', { privateDetail: why });
}

/** Whatever breaks while a token is checked is a no, never a caller without a name (CVE-2026-12773). */
function asRefusal(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal('token_invalid', {}, { cause: error });
}

function rethrowAsRefusal(error: unknown): never {
  throw asRefusal(error);
}
