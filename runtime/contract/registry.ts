import type { JsonObject } from './json.ts';

/** Lifecycle of one server version. `quarantined`: a definition changed without its owner's acceptance. */
export type VersionStatus = 'active' | 'deprecated' | 'sunset' | 'disabled' | 'quarantined';

/** A tool as the registry knows it: pinned at registration, never taken from a later answer of the server. */
export interface ToolEntry {
  /** Globally unique in a catalogue; `^[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*$`, at most 64 characters. */
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema?: JsonObject;
  readonly annotations: ToolAnnotations;
  /** Every scope that a call needs. */
  readonly scopes: readonly string[];
  /** Semantic version of the tool. */
  readonly version: string;
  /** True when the tool changes something outside itself: an intent record, and a person's yes. */
  readonly destructive: boolean;
  /** SHA-256 (hex) over RFC 8785 of {name, title, description, inputSchema, outputSchema, annotations}. */
  readonly definitionHash: string;
}

/** MCP server/tools § ToolAnnotations. */
export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** One published version of a server. A version's tools never change; a change is a new version or a quarantine. */
export interface ServerVersion {
  readonly version: string;
  readonly major: number;
  readonly status: VersionStatus;
  /** Where the gateway sends calls, e.g. `http://127.0.0.1:41234/mcp`. Never shown to callers. */
  readonly upstreamUrl: string;
  /** `aud` of the upstream token. */
  readonly audience: string;
  readonly tools: readonly ToolEntry[];
  /** Milliseconds since the epoch. */
  readonly deprecatedAtMs?: number;
  readonly sunsetAtMs?: number;
  /** Migration guide, an https URL. */
  readonly guideUrl?: string;
  /** Why the version is quarantined or disabled, in a sentence for its owner. */
  readonly statusReason?: string;
  /** Present when the registry took the version out of service because nobody declares it any more: it comes back by itself too. */
  readonly withdrawn?: true;
}

/** A server as the registry knows it. */
export interface ServerEntry {
  /** `^[a-z][a-z0-9-]{0,62}$`: a path segment, a Rego key and an audit value. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly owner: string;
  readonly slo: ServiceLevel;
  /** Words of the scopes that its tools need; a scope without words is shown by its name. */
  readonly scopes?: Readonly<Record<string, ScopeWords>>;
  /** Present when a declaration registered it: without its declaration it is taken out of service. */
  readonly declared?: true;
  readonly versions: readonly ServerVersion[];
}

/** What a scope lets its holder do, for the person who is asked. */
export interface ScopeWords {
  /** Completes "It may …": lower case, no full stop, at most 200 characters. */
  readonly words: string;
  /** True when the scope changes something. Such a scope is never granted unless it was asked for by name. */
  readonly changes: boolean;
}

export interface ServiceLevel {
  /** Percent, e.g. 99.9. */
  readonly availability: number;
  /** 95th percentile of a call, milliseconds. */
  readonly latencyP95Ms: number;
}

/** The catalogue as one gateway holds it in memory. */
export interface CatalogueSnapshot {
  /** Grows by one with every change; gateways watch it. */
  readonly version: number;
  readonly servers: readonly ServerEntry[];
}

/** What every tool server serves at `/.well-known/mcp-capabilities`. Its JSON Schema is `capability-manifest.schema.json`. */
export interface CapabilityManifest {
  readonly schemaVersion: '1';
  readonly server: {
    readonly name: string;
    readonly title: string;
    readonly description: string;
    readonly version: string;
    readonly owner: string;
    readonly slo: ServiceLevel;
  };
  readonly transport: { readonly type: 'streamable-http'; readonly url: string };
  readonly auth: {
    readonly type: 'oauth2';
    /** `aud` that a token must carry. */
    readonly audience: string;
    readonly issuers: readonly string[];
    readonly scopes: readonly string[];
  };
  readonly tools: readonly CapabilityTool[];
}

/** A tool as its server describes it, before it is pinned. */
export type CapabilityTool = Omit<ToolEntry, 'definitionHash'>;

/** What, resolved: one tool of one server version. A call may go nowhere else. */
export interface Tool {
  readonly entry: ToolEntry;
  readonly server: ServerEntry;
  readonly version: ServerVersion;
}
