import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

type Members = Readonly<Record<string, unknown>>;

/** A Cognito user pool as far as its tokens and key set go. */
export interface CognitoTokens {
  readonly issuer: string;
  readonly jwks: { readonly keys: readonly object[] };
  /** An access token of a person; members of `claims` take the place of the usual ones, `undefined` removes one. */
  ofUser(claims?: Members, header?: Members): string;
  /** An access token of client credentials. */
  ofClient(claims?: Members, header?: Members): string;
  /** An ID token of a person. */
  idToken(claims?: Members): string;
  /** The person's access token, signed by HS256 with the published key as the secret. */
  confused(): string;
}

export const cognitoClientId = '1example23456789';
export const cognitoSub = 'aaaabbbb-cccc-4ddd-8eee-ffff00001111';

/**
 * Tokens as the Cognito Developer Guide shows them ("Understanding the access token", "Understanding the identity (ID) token"), with the claims
 * that the pre token generation trigger adds. Their header has no `typ`.
 */
export function createCognitoTokens(
  identifier: string,
  now: () => number = Date.now,
  issuer = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE',
): CognitoTokens {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'access=', alg: 'RS256', use: 'sig' };
  const seconds = () => Math.floor(now() / 1000);
  const common = () => ({ iss: issuer, auth_time: seconds(), iat: seconds(), exp: seconds() + 3600, jti: 'f5e4d3c2' });
  const text = (claims: Members, header: Members) =>
    [
      { kid: 'access=', alg: 'RS256', ...header },
      { ...common(), ...claims },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
  const signed = (claims: Members, header: Members = {}, key: KeyObject = privateKey) => {
    const input = text(claims, header);
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
  };
  const user = {
    sub: cognitoSub,
    'cognito:groups': ['operator'],
    version: 2,
    client_id: cognitoClientId,
    origin_jti: 'aaaa1111',
    event_id: 'bbbb2222',
    token_use: 'access',
    scope: `${identifier}/echo:read ${identifier}/echo:write`,
    username: 'ada',
    tenant: 'acme',
    roles: ['operator'],
    kind: 'human',
  };
  const { username: _username, 'cognito:groups': _groups, event_id: _event, origin_jti: _origin, ...rest } = user;
  const client = { ...rest, sub: cognitoClientId, scope: `${identifier}/echo:read`, roles: ['reader'], kind: 'agent' };
  return {
    issuer,
    jwks: { keys: [jwk] },
    ofUser: (claims, header) => signed({ ...user, ...claims }, header),
    ofClient: (claims, header) => signed({ ...client, ...claims }, header),
    idToken(claims) {
      const { client_id: aud, scope: _scope, username: name, ...kept } = user;
      return signed({ ...kept, aud, 'cognito:username': name, token_use: 'id', 'custom:tenant': 'acme', ...claims });
    },
    confused() {
      const input = text(user, { alg: 'HS256' });
      const secret = publicKey.export({ format: 'pem', type: 'spki' });
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    },
  };
}
