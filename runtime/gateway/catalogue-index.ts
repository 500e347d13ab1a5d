import type { PolicyTool } from '../contract/decision.ts';
import type { JsonObject } from '../contract/json.ts';
import type { CatalogueSnapshot, ServerEntry, ServerVersion, Tool } from '../contract/registry.ts';
import type { Endpoint } from '../contract/tool-call.ts';
import { definitionOf } from '../shared/definition-hash.ts';

/** What stands behind one door: the tools that list and call both look at, so that they cannot differ. */
export interface Door {
  readonly server: ServerEntry | undefined;
  readonly version: ServerVersion | undefined;
  /** By name, in the order of their names. */
  readonly tools: ReadonlyMap<string, DoorTool>;
  /** Policy's view of every tool that can be called, in the same order. */
  readonly callable: readonly PolicyTool[];
}

/** A tool with what policy and clients see of it, made once a snapshot. */
export interface DoorTool extends Tool {
  readonly policy: PolicyTool;
  readonly listed: JsonObject;
}

/** A catalogue snapshot, indexed. */
export interface CatalogueIndex {
  /** The tools behind a door; undefined when the server or the major version does not exist. */
  readonly door: (endpoint: Endpoint) => Door | undefined;
  readonly servers: readonly ServerEntry[];
  readonly version: number;
}

const indexes = new WeakMap<CatalogueSnapshot, CatalogueIndex>();

/** Indexes a snapshot once; the index lives as long as the snapshot. */
export function indexCatalogue(snapshot: CatalogueSnapshot): CatalogueIndex {
  const known = indexes.get(snapshot);
  if (known !== undefined) return known;
  const doors = new Map<string, Door>();
  const newest: Tool[] = [];
  for (const server of snapshot.servers) {
    const version = newestVersion(server);
    if (version !== undefined) {
      const tools = toolsOf(server, version);
      newest.push(...tools);
      doors.set(server.name, createDoor(server, version, tools));
    }
    for (const major of new Set(server.versions.map((each) => each.major))) {
      const ofMajor = newestVersion({ ...server, versions: server.versions.filter((each) => each.major === major) });
      if (ofMajor !== undefined) {
        doors.set(`${server.name}/v${major}`, createDoor(server, ofMajor, toolsOf(server, ofMajor)));
      }
    }
  }
  const all = createDoor(undefined, undefined, newest);
  const index: CatalogueIndex = {
    version: snapshot.version,
    servers: snapshot.servers,
    door: (endpoint) => {
      if (endpoint.kind === 'all') return all;
      return doors.get(endpoint.major === undefined ? endpoint.server : `${endpoint.server}/v${endpoint.major}`);
    },
  };
  indexes.set(snapshot, index);
  return index;
}

/** True once a version may no longer be called, by its status or by the clock. */
export function isSunset(version: ServerVersion, nowMs: number): boolean {
  return version.status === 'sunset' || (version.sunsetAtMs !== undefined && version.sunsetAtMs <= nowMs);
}

/** True for a version that still works and will not for ever. */
export function isDeprecated(version: ServerVersion): boolean {
  return version.status === 'deprecated' || version.deprecatedAtMs !== undefined || version.sunsetAtMs !== undefined;
}

/** True when calls of this version are served. */
export function isServed(version: ServerVersion, nowMs: number): boolean {
  return (version.status === 'active' || version.status === 'deprecated') && !isSunset(version, nowMs);
}

/** The version to move to from `version`, if there is a newer major that is served. */
export function successorOf(server: ServerEntry, version: ServerVersion, nowMs: number): ServerVersion | undefined {
  return server.versions
    .filter((each) => each.major > version.major && each.status === 'active' && isServed(each, nowMs))
    .sort(byNewest)[0];
}

// A quarantined or disabled newest version hides no older one: falling back silently would call what nobody asked for.
const ranks = { active: 0, deprecated: 1, quarantined: 0, disabled: 0, sunset: 2 } as const;
// What its team took back, a rollback for one, hides nothing.
const rank = ({ status, withdrawn }: ServerVersion) => (withdrawn ? 3 : ranks[status]);

/** Stable before pre-release, newest first. */
function newestVersion(server: ServerEntry): ServerVersion | undefined {
  const isPreRelease = (version: ServerVersion) => Number(parts(version.version).pre !== '');
  return [...server.versions].sort(
    (a, b) => rank(a) - rank(b) || isPreRelease(a) - isPreRelease(b) || byNewest(a, b),
  )[0];
}

function byNewest(a: ServerVersion, b: ServerVersion): number {
  return compareSemver(b.version, a.version);
}

/** Semantic versioning § 11; build metadata does not count. */
export function compareSemver(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < 3; i += 1) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === '') return 1;
  if (right.pre === '') return -1;
  return left.pre.localeCompare(right.pre, 'en', { numeric: true });
}

function parts(version: string): { numbers: number[]; pre: string } {
  const [core = '', pre = ''] = (version.split('+')[0] ?? '').split(/-(.*)/s);
  return { numbers: core.split('.').map(Number), pre };
}

function toolsOf(server: ServerEntry, version: ServerVersion): Tool[] {
  return version.tools.map((entry) => ({ entry, server, version }));
}

function createDoor(server: ServerEntry | undefined, version: ServerVersion | undefined, all: readonly Tool[]): Door {
  const sorted = [...all].sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1));
  const tools = new Map(sorted.map((tool) => [tool.entry.name, toDoorTool(tool)]));
  return { server, version, tools, callable: [...tools.values()].map((tool) => tool.policy) };
}

function toDoorTool(tool: Tool): DoorTool {
  const { name, scopes, version, destructive } = tool.entry;
  return {
    ...tool,
    policy: { name, server: tool.server.name, version, scopes, destructive },
    listed: definitionOf(tool.entry),
  };
}
