import type { CallToolResult } from '@modelcontextprotocol/server';
import type { JsonObject } from '../../runtime/contract/json.ts';
import { errorMetaKey } from '../../runtime/contract/refusal-codes.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import type { CallContext, ServedTool } from '../../runtime/tools/served-tool.ts';

/** Calls a tool without a server, as a caller of the tenant acme. */
export function callTool(
  tool: ServedTool,
  args: JsonObject,
  signal: AbortSignal = new AbortController().signal,
): Promise<CallToolResult> {
  const context: CallContext = {
    caller: {
      subject: 'ada',
      tenant: 'acme',
      clientId: 'client-1',
      scopes: tool.definition.scopes,
      callId: 'call-1',
      actor: 'spiffe://toolgate.local/gateway',
      isRegistry: false,
      tool: tool.definition.name,
      argumentsSha256: undefined,
    },
    signal,
    logger: silentLogger(),
  };
  return tool.call(args, context);
}

/** The structure of a good result; fails the test for a bad one. */
export function structureOf(result: CallToolResult): Record<string, unknown> {
  if (result.isError === true) throw new Error(`the tool said: ${JSON.stringify(result.content)}`);
  return result.structuredContent as Record<string, unknown>;
}

/** Code and sentence of a result with isError. */
export function errorOf(result: CallToolResult): { code: string; message: string; sqlstate?: string } {
  if (result.isError !== true) throw new Error(`the tool did not refuse: ${JSON.stringify(result.structuredContent)}`);
  return result._meta?.[errorMetaKey] as { code: string; message: string };
}
