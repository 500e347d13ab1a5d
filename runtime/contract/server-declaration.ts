import type { ScopeWords, ServiceLevel } from './registry.ts';

/**
 * What a stack says about its tool server, in one SSM String parameter `/toolgate/{platform}/servers/{name}`. The registry asks the server
 * itself and registers it only when both say the same. Its JSON Schema is `server-declaration.schema.json`.
 */
export interface ServerDeclaration {
  readonly v: 1;
  /** `^[a-z][a-z0-9-]{0,62}$`; the last part of the parameter's name, and the host label under the tool domain. */
  readonly name: string;
  /** The team that answers for the server; the manifest must name the same one. `^[a-z0-9][a-z0-9._-]{0,63}$`. */
  readonly owner: string;
  /** Origin without a path, e.g. `http://billing.tools.prod.internal`; its manifest is at `/.well-known/mcp-capabilities` under it. */
  readonly url: string;
  /** `aud` of the upstream token, e.g. `urn:toolgate:server:billing`; no other server may have the same. */
  readonly audience: string;
  /** Every tool that the server has; what is not declared is not registered. */
  readonly tools: readonly DeclaredTool[];
  /** Every scope that a tool needs, with the words of the consent page. */
  readonly scopes: Readonly<Record<string, ScopeWords>>;
  /** Takes the place of what the manifest says. */
  readonly slo: ServiceLevel;
  /** Any text that changes with a deployment, e.g. the task definition's ARN: the registry then looks at the server again at once. */
  readonly revision?: string;
}

export interface DeclaredTool {
  readonly name: string;
  /** Every scope that a call needs. */
  readonly scopes: readonly string[];
  /** True when a call changes something outside the tool; one of its scopes then has `changes`. */
  readonly destructive: boolean;
}
