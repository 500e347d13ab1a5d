import type { Caller } from '../contract/caller.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { McpMessage } from '../contract/tool-call.ts';
import { Refusal } from '../shared/refusal.ts';
import { audited } from './audited.ts';
import { type Door, type DoorTool, isServed, isSunset } from './catalogue-index.ts';
import type { GatewayDeps } from './deps.ts';
import { ownReply, type RecordedReply } from './safe-reply.ts';
import { authenticate } from './steps/authenticate.ts';
import { checkServed } from './steps/authorize.ts';
import { policyCaller } from './steps/policy-input.ts';
import { mayEnter, resolveDoor } from './steps/resolve-tool.ts';
import { spendMessage } from './steps/spend-quota.ts';

/** How long a client may keep a list, milliseconds. Policy reloads and quarantines are felt within it. */
const listTtlMs = 60_000;
const pageSize = 200;

/** Serves one tools/list from the catalogue: exactly what this caller may call, decided by the policy that decides calls. */
export function listTools(message: McpMessage, deps: GatewayDeps): Promise<RecordedReply> {
  return audited(message, deps, async (entry) => {
    const caller = entry.caller(await authenticate(message, deps));
    const door = entry.server(resolveDoor(message, deps));
    entry.quota(await spendMessage(caller, deps));
    return ownReply(pageOf(visibleTools(message, caller, door, deps), message));
  });
}

/** The tools behind a door that the caller may call, in the order of their names. Throws Refusal `server_unknown`, `version_sunset`. */
export function visibleTools(message: McpMessage, caller: Caller, door: Door, deps: GatewayDeps): readonly DoorTool[] {
  const nowMs = deps.now();
  const tenant = deps.policy.tenant(caller.tenant);
  const names = deps.policy.visible({
    now_ms: nowMs,
    caller: policyCaller(caller),
    ...(tenant !== undefined && { tenant }),
    tools: door.callable,
  });
  if (names.size === 0 && !mayEnter(message, caller, door, deps)) throw new Refusal('server_unknown');
  if (door.version !== undefined && isSunset(door.version, nowMs)) checkServed({ version: door.version }, nowMs);
  const visible: DoorTool[] = [];
  for (const tool of door.tools.values()) {
    if (names.has(tool.entry.name) && isServed(tool.version, nowMs)) visible.push(tool);
  }
  return visible;
}

function pageOf(tools: readonly DoorTool[], message: McpMessage): JsonObject {
  const { cursor } = message.params;
  const after = cursor === undefined ? '' : readCursor(cursor);
  const start = after === '' ? 0 : tools.findIndex((tool) => tool.entry.name > after);
  const page = start === -1 ? [] : tools.slice(start, start + pageSize);
  const last = page.at(-1);
  const hasMore = last !== undefined && last !== tools.at(-1);
  return {
    ...(message.era === 'modern' && { resultType: 'complete', ttlMs: listTtlMs, cacheScope: 'private' }),
    tools: page.map((tool) => tool.listed),
    ...(hasMore && { nextCursor: writeCursor(last.entry.name) }),
  };
}

const cursorPrefix = 'after:';

function writeCursor(name: string): string {
  return Buffer.from(cursorPrefix + name).toString('base64url');
}

/** The name that a page follows; it need not be in the list any more. Throws Refusal `params_invalid`. */
function readCursor(cursor: Json): string {
  const text = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : '';
  const name = text.slice(cursorPrefix.length);
  if (typeof cursor !== 'string' || !/^[a-z][a-z0-9._-]{0,63}$/.test(name) || writeCursor(name) !== cursor) {
    throw new Refusal('params_invalid', { reason: 'The cursor is not one of ours.' });
  }
  return name;
}
