import type { CallToolResult, InputRequiredResult, ServerContext, ServerNotifier } from '@modelcontextprotocol/server';
import type { JsonObject } from '../../../runtime/contract/json.ts';
import type { CapabilityTool } from '../../../runtime/contract/registry.ts';
import type { SealState } from './round-state.ts';

/** What a tool of the fixture may reach besides its arguments. */
export interface FixtureContext {
  readonly context: ServerContext;
  /** Tells open subscriptions that a list changed. */
  readonly notify: ServerNotifier;
  readonly seal: SealState;
}

export type ToolOutcome = CallToolResult | InputRequiredResult;

/** One tool: what is registered, and what a call does. */
export interface FixtureTool {
  readonly definition: CapabilityTool;
  call(args: JsonObject, fixture: FixtureContext): ToolOutcome | Promise<ToolOutcome>;
}

export const fixtureScope = 'conformance:call';

/** A tool with the suite's name for it. Without a schema it takes no arguments. */
export function fixtureTool(
  name: string,
  description: string,
  call: FixtureTool['call'],
  inputSchema: JsonObject = { type: 'object', properties: {} },
): FixtureTool {
  return {
    definition: {
      name,
      description,
      inputSchema,
      annotations: { readOnlyHint: true, openWorldHint: false },
      scopes: [fixtureScope],
      version: '1.0.0',
      destructive: false,
    },
    call,
  };
}

export function text(words: string): CallToolResult {
  return { content: [{ type: 'text', text: words }] };
}
