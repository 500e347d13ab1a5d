import { namespacedSubject } from './namespaced-subject.ts';
import { Refusal } from './refusal.ts';

/** What binds an access token of a Cognito user pool to this platform, where an `aud` alone does not. */
export interface CognitoBinding {
  /** App clients whose tokens are believed. */
  readonly clientIds: readonly string[];
  /** Identifiers of the pool's resource servers for this platform; a scope `{identifier}/{name}` means our scope `{name}`. */
  readonly resourceServerIdentifiers: readonly string[];
}

type Claims = Readonly<Record<string, unknown>>;

/**
 * The claims of a pool's access token as our own issuer would write them: `aud` the door, `scope` our names, `tenant`, `roles`, `kind`.
 * Throws Refusal `token_invalid` or `audience_mismatch`. Cognito Developer Guide, "Understanding the access token": a token of client
 * credentials has no `username`, and its `sub` is the client id; `aud` is there only after resource binding.
 */
export function cognitoClaims(claims: Claims, issuer: string, binding: CognitoBinding, audience: string): Claims {
  const { aud, sub, client_id: clientId, username, scope = '' } = claims;
  if (claims.token_use !== 'access') throw invalid('its token_use is not "access"');
  if (typeof clientId !== 'string' || !binding.clientIds.includes(clientId)) throw invalid('its client is not listed');
  if (typeof sub !== 'string') throw invalid('it names no subject');
  if (typeof scope !== 'string') throw invalid('its scope is not a string');
  const asked = scope.split(' ').filter((item) => item !== '');
  // A token of no resource at all would be good for whoever sees it.
  if (aud === undefined && asked.length === 0) throw new Refusal('audience_mismatch');
  const isAgent = username === undefined && sub === clientId;
  if (!isAgent && typeof username !== 'string') throw invalid('it is neither a user’s nor a client’s own');
  return {
    ...claims,
    aud: aud ?? audience,
    sub: namespacedSubject(issuer, sub),
    scope: asked.map((item) => ourScope(item, binding)).join(' '),
    kind: isAgent ? 'agent' : 'human',
    // The pre token generation trigger sets both; a pool without it says groups only.
    roles: claims.roles ?? claims['cognito:groups'] ?? [],
  };
}

/** One scope that is not ours makes the whole token one for somebody else, who could replay it here. */
function ourScope(scope: string, { resourceServerIdentifiers }: CognitoBinding): string {
  // Cognito allows no slash in the name of a scope, so the last one ends the identifier.
  const end = scope.lastIndexOf('/');
  const name = scope.slice(end + 1);
  if (end < 0 || name === '' || !resourceServerIdentifiers.includes(scope.slice(0, end)))
    throw new Refusal('audience_mismatch');
  return name;
}

function invalid(why: string): Refusal {
  return new Refusal('token_invalid', { privateDetail: why });
}
