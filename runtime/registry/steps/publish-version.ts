import type { Json } from '../../contract/json.ts';
import type { CapabilityManifest, ServerEntry, ServerVersion, ToolEntry } from '../../contract/registry.ts';
import { canonicalSha256 } from '../../shared/canonical-json.ts';
import { definitionHash } from '../../shared/definition-hash.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { RegistryDeps } from '../deps.ts';
import type { RegistrationRequest } from '../register-server.ts';
import { restore, withdraw } from '../withdrawal.ts';

/** `registered`: a new version. `updated`: the same definitions at another address, in other words, or back in service. `unchanged`: all of it was there. */
export type Published = 'registered' | 'updated' | 'unchanged';

/** The version with every definition pinned by its hash. */
export function pinVersion({ server, transport, auth, tools }: CapabilityManifest): ServerVersion {
  return {
    version: server.version,
    major: Number(server.version.split('.', 1)[0]),
    status: 'active',
    upstreamUrl: transport.url,
    audience: auth.audience,
    tools: tools
      .map((tool) => ({ ...tool, definitionHash: definitionHash(tool) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/**
 * Stores a version. One that is published already may move, never change: a changed one is quarantined, and Refusal `definition_changed`
 * says what differs. Throws `name_taken` and `catalogue_unavailable`, too.
 */
export async function publishVersion(
  { server }: CapabilityManifest,
  version: ServerVersion,
  { declaration, scopes }: Pick<RegistrationRequest, 'declaration' | 'scopes'>,
  deps: Pick<RegistryDeps, 'store'>,
): Promise<{ readonly entry: ServerEntry; readonly outcome: Published }> {
  let outcome: Published = 'unchanged';
  let differences: readonly string[] = [];
  const { name, title, description, owner } = server;
  const entry = await deps.store.change(name, (current) => {
    const versions = current?.versions ?? [];
    const published = versions.find((each) => each.version === version.version);
    differences = published === undefined ? [] : differencesOf(published.tools, version.tools);
    if (current !== undefined && published !== undefined && differences.length > 0) {
      const statusReason = `A published definition changed: ${differences.join('; ')}`.slice(0, 1000);
      return replaceVersion(current, quarantine(published, statusReason));
    }
    const words = declaration?.scopes ?? scopes ?? current?.scopes;
    const entry = {
      name,
      title,
      description,
      owner,
      slo: declaration?.slo ?? server.slo,
      ...(words !== undefined && { scopes: words }),
      ...((declaration !== undefined || current?.declared) && { declared: true as const }),
    };
    // A declared server has one address, and what answers there is one version.
    const others = (each: ServerVersion) =>
      declaration === undefined ? each : withdraw(each, `Its server serves version ${version.version} now.`);
    if (published === undefined) {
      outcome = 'registered';
      return { ...entry, versions: forgetOldest([...versions.map(others), version]) };
    }
    const moved = { ...restore(published), upstreamUrl: version.upstreamUrl, audience: version.audience };
    const next = { ...entry, versions: versions.map((each) => (each === published ? moved : others(each))) };
    outcome = canonicalSha256(toJson(next)) === canonicalSha256(toJson(current)) ? 'unchanged' : 'updated';
    return next;
  });
  if (differences.length > 0) {
    throw new Refusal('definition_changed', {
      reason: `Version ${version.version} of ${name} is published with other definitions and is now quarantined: publish a new version.`,
      violations: differences,
    });
  }
  return { entry, outcome };
}

/**
 * Of what was withdrawn, so that a rollback finds it. Each look may find another version, and gateways keep them all in memory; and a server that deploys
 * each day would outgrow its item in a year or two.
 */
const withdrawnMax = 200;
const withdrawnBytesMax = 4 * 1024 * 1024;

/** What somebody took out of service for a reason is never forgotten. */
function forgetOldest(versions: readonly ServerVersion[]): readonly ServerVersion[] {
  let [count, bytes] = [0, 0];
  const kept = versions.toReversed().filter(({ withdrawn, tools }) => {
    if (!withdrawn) return true;
    count += 1;
    bytes += JSON.stringify(tools).length;
    return count <= withdrawnMax && bytes <= withdrawnBytesMax;
  });
  return kept.toReversed();
}

/** What is out of service already stays so for its own reason. */
function quarantine(version: ServerVersion, statusReason: string): ServerVersion {
  const isServed = version.status === 'active' || version.status === 'deprecated';
  return isServed ? { ...version, status: 'quarantined', statusReason } : version;
}

function replaceVersion(server: ServerEntry, version: ServerVersion): ServerEntry {
  return { ...server, versions: server.versions.map((each) => (each.version === version.version ? version : each)) };
}

const fields = [
  'title',
  'description',
  'inputSchema',
  'outputSchema',
  'annotations',
  'scopes',
  'version',
  'destructive',
] as const satisfies readonly (keyof ToolEntry)[];

/** What differs, tool by tool: the whole entry, because scopes and the destructive mark are as much a promise as the words. */
function differencesOf(published: readonly ToolEntry[], offered: readonly ToolEntry[]): readonly string[] {
  const byName = new Map(offered.map((tool) => [tool.name, tool]));
  const differences: string[] = [];
  for (const tool of published) {
    const other = byName.get(tool.name);
    byName.delete(tool.name);
    if (other === undefined) {
      differences.push(`${tool.name} is gone`);
      continue;
    }
    const changed = fields.filter((field) => !isSame(tool[field], other[field]));
    if (changed.length > 0) differences.push(`${tool.name} has another ${changed.join(', ')}`);
  }
  return [...differences, ...[...byName.keys()].map((name) => `${name} is new`)];
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalSha256(a as Json) === canonicalSha256(b as Json);
}

function toJson(value: ServerEntry | undefined): Json {
  return (value ?? null) as unknown as Json;
}
