import type { CallToolResult } from '@modelcontextprotocol/server';
import type { JsonObject } from '../contract/json.ts';
import type { CapabilityManifest, CapabilityTool } from '../contract/registry.ts';
import type { Logger } from '../shared/logger.ts';

/** One tool with its code. `definition.destructive` makes a call need a person's yes in its token. */
export interface ServedTool {
  readonly definition: CapabilityTool;
  /**
   * Runs one call. `args` match the input schema. What the model can mend is a result with isError; a thrown error is a bug and its
   * message stays here.
   */
  call(args: JsonObject, context: CallContext): Promise<CallToolResult>;
}

/** Who calls, verified, and how to stop. */
export interface CallContext {
  readonly caller: ToolCaller;
  /** Aborts when the caller left or cancelled. */
  readonly signal: AbortSignal;
  /** Names the call and its trace in every line. */
  readonly logger: Logger;
}

/** The claims of the token that a tool may use. */
export interface ToolCaller {
  readonly subject: string;
  readonly tenant: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** `jti`: the gateway's id of this call. */
  readonly callId: string;
  /** SPIFFE id of the gateway, or of the registry. */
  readonly actor: string;
  /** True when the registry signed the token: it may list tools and do nothing else. */
  readonly isRegistry: boolean;
  /** The only tool that the token is for; undefined in a token that calls none. */
  readonly tool: string | undefined;
  /** SHA-256 (hex) of the RFC 8785 form of the only arguments that the token is for; undefined in a token of no person's yes. */
  readonly argumentsSha256: string | undefined;
}

/** Who a tool server is; its name is `^[a-z][a-z0-9-]{0,62}$`. */
export type ServerIdentity = CapabilityManifest['server'];
