import type { JsonObject } from '../../contract/json.ts';
import type { ToolCall } from '../../contract/tool-call.ts';
import { metaKeys } from '../transport/protocol-versions.ts';

/**
 * What a client can be told while people decide. `url`: it can show a page; `rounds`: it comes back with a state of ours; `words`: it has an
 * answer to read, and calls again later. Only what this very request declares counts (MCP 2026-07-28 basic/index § Capabilities).
 */
export type ClientKind = 'url' | 'rounds' | 'words';

export function clientKind({ era, params }: Pick<ToolCall, 'era' | 'params'>): ClientKind {
  if (era === 'legacy') return 'words';
  const meta = params._meta as JsonObject | undefined;
  const capabilities = meta?.[metaKeys.clientCapabilities] as JsonObject | undefined;
  const elicitation = capabilities?.elicitation as JsonObject | null | undefined;
  return typeof elicitation?.url === 'object' && elicitation.url !== null ? 'url' : 'rounds';
}
