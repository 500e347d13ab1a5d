import type { CatalogueSnapshot, ScopeWords, ServerEntry } from '../contract/registry.ts';
import { reservedScopes } from '../contract/step-up.ts';

/** A server as a person who is asked sees it. */
export interface ServerScopes {
  readonly title: string;
  /** Scopes that its tools need, in the order of their names. */
  readonly scopes: ReadonlyMap<string, ScopeWords>;
}

/** What tokens can be for: the servers of the catalogue with the scopes of their tools. */
export interface ScopeCatalogue {
  readonly servers: ReadonlyMap<string, ServerScopes>;
  /** Every scope of every server that is in service. */
  readonly everything: ReadonlyMap<string, ScopeWords>;
}

const catalogues = new WeakMap<CatalogueSnapshot, ScopeCatalogue>();

/** The scopes of a snapshot, made once each. */
export function scopeCatalogue(snapshot: CatalogueSnapshot): ScopeCatalogue {
  const known = catalogues.get(snapshot);
  if (known !== undefined) return known;
  const servers = new Map<string, ServerScopes>();
  const everything = new Map<string, ScopeWords>();
  const inOrder = snapshot.servers.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const server of inOrder) {
    const served = scopesOf(server, true);
    // A server that is out of service for a while keeps its door: clients come back with the tokens they had.
    servers.set(server.name, { title: server.title, scopes: served.size > 0 ? served : scopesOf(server, false) });
    for (const [scope, words] of served) everything.set(scope, joined(everything.get(scope), words));
  }
  const catalogue = { servers, everything };
  catalogues.set(snapshot, catalogue);
  return catalogue;
}

function scopesOf(
  { scopes: words = {}, versions }: ServerEntry,
  isInService: boolean,
): ReadonlyMap<string, ScopeWords> {
  const changing = new Map<string, boolean>();
  for (const { status, tools } of versions) {
    if (isInService && status !== 'active' && status !== 'deprecated') continue;
    for (const { scopes, destructive } of tools) {
      for (const scope of scopes) changing.set(scope, destructive || changing.get(scope) === true);
    }
  }
  return new Map(
    [...changing.keys()]
      .filter((scope) => !reservedScopes.includes(scope))
      .sort()
      .map((scope) => [
        scope,
        // Without words it is shown by its name, and taken to change something when a tool that does needs it.
        Object.hasOwn(words, scope) ? (words[scope] as ScopeWords) : wordless(scope, changing.get(scope) === true),
      ]),
  );
}

function wordless(scope: string, changes: boolean): ScopeWords {
  return { words: `use the scope ${scope}`, changes };
}

/** Two servers may need one scope. Neither can hide what the other says it means. */
function joined(before: ScopeWords | undefined, words: ScopeWords): ScopeWords {
  if (before === undefined || before.words === words.words) {
    return { words: words.words, changes: words.changes || before?.changes === true };
  }
  return { words: `${before.words}; ${words.words}`, changes: before.changes || words.changes };
}
