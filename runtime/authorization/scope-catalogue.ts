/** What a scope lets its holder do, for the person who is asked. */
export interface ScopeWords {
  /** Completes "It may …": lower case, no full stop. */
  readonly words: string;
  /** True when the scope changes something. Such a scope is never granted unless it was asked for by name. */
  readonly changes: boolean;
}

export interface ServerScopes {
  readonly title: string;
  readonly scopes: Readonly<Record<string, ScopeWords>>;
}

/** Servers by name with the scopes that their tools need. */
export type ScopeCatalogue = Readonly<Record<string, ServerScopes>>;

const serverName = /^[a-z][a-z0-9-]{0,62}$/;
// RFC 6749 § 3.3 scope-token.
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/;
const reserved = ['openid', 'offline_access'];

/** Checks a scope catalogue; throws with a sentence that names what is wrong. */
export function scopeCatalogue(value: unknown): ScopeCatalogue {
  const servers: Record<string, ServerScopes> = {};
  for (const [name, server] of Object.entries(members(value, 'the catalogue'))) {
    if (!serverName.test(name)) throw new Error(`"${name}" is no server name`);
    const { title, scopes } = members(server, name);
    if (typeof title !== 'string' || title === '') throw new Error(`the title of ${name} must be text`);
    const checked: Record<string, ScopeWords> = {};
    for (const [scope, entry] of Object.entries(members(scopes, `the scopes of ${name}`))) {
      const { words, changes } = members(entry, scope);
      if (!scopeToken.test(scope) || reserved.includes(scope)) throw new Error(`"${scope}" cannot be a scope`);
      if (typeof words !== 'string' || words === '') throw new Error(`the words of ${scope} must be text`);
      if (typeof changes !== 'boolean') throw new Error(`"changes" of ${scope} must be true or false`);
      checked[scope] = { words, changes };
    }
    servers[name] = { title, scopes: checked };
  }
  return servers;
}

function members(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} must be an object`);
  return value as Readonly<Record<string, unknown>>;
}
