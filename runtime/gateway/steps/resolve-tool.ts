import type { Caller } from '../../contract/caller.ts';
import type { McpMessage, ToolCall } from '../../contract/tool-call.ts';
import { Refusal } from '../../shared/refusal.ts';
import { type Door, type DoorTool, indexCatalogue } from '../catalogue-index.ts';
import type { GatewayDeps } from '../deps.ts';
import { policyCaller } from './policy-input.ts';

/** The tool that a call names, as the registry pinned it. Whether the caller may know of it is for `authorize` to say. */
export function resolveTool(call: ToolCall, caller: Caller, deps: GatewayDeps): DoorTool {
  const door = resolveDoor(call, deps);
  const tool = door.tools.get(call.name);
  if (tool === undefined) throw unknownTool(call, caller, door, deps);
  return tool;
}

/** The door that a message came to. Throws Refusal `server_unknown` or `catalogue_unavailable`. */
export function resolveDoor(message: McpMessage, deps: Pick<GatewayDeps, 'catalogue'>): Door {
  const door = indexCatalogue(deps.catalogue()).door(message.endpoint);
  if (door === undefined) throw new Refusal('server_unknown');
  return door;
}

/**
 * The answer for a tool that does not exist, and for one that the caller may not see: the same, so that nobody learns names by
 * trying. Behind a server's own door the server is hidden likewise.
 */
export function unknownTool(call: ToolCall, caller: Caller, door: Door, deps: GatewayDeps): Refusal {
  if (!mayEnter(call, caller, door, deps)) return new Refusal('server_unknown');
  return new Refusal('tool_unknown', { reason: `Unknown tool: ${call.name}` });
}

/** True when the caller may know that there is a server behind this door; everyone may know of the door to all of them. */
export function mayEnter(message: McpMessage, caller: Caller, door: Door, deps: GatewayDeps): boolean {
  if (door.server === undefined) return true;
  return deps.policy.decide(entryInput(message, 'tools/list', caller, door, deps)).allow;
}

/** Policy's input for a method that names no tool. */
export function entryInput(message: McpMessage, method: string, caller: Caller, door: Door, deps: GatewayDeps) {
  const tenant = deps.policy.tenant(caller.tenant);
  return {
    now_ms: deps.now(),
    method,
    caller: policyCaller(caller),
    ...(door.server !== undefined && { server: door.server.name, server_tools: [...door.tools.keys()] }),
    request: { bytes: message.bodyBytes },
    ...(tenant !== undefined && { tenant }),
    elevations: [],
  };
}
