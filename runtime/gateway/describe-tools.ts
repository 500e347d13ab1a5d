import type { McpMessage } from '../contract/tool-call.ts';
import { audited } from './audited.ts';
import type { GatewayDeps } from './deps.ts';
import { capabilities } from './discovery/capabilities.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import { visibleTools } from './list-tools.ts';
import { ownReply, type RecordedReply } from './safe-reply.ts';
import { authenticate } from './steps/authenticate.ts';
import { resolveDoor } from './steps/resolve-tool.ts';
import { spendMessage } from './steps/spend-quota.ts';

/** Serves the gateway's manifest with what this caller may call: decided, counted and recorded as tools/list is. */
export function describeTools(
  message: McpMessage,
  settings: GatewaySettings,
  deps: GatewayDeps,
): Promise<RecordedReply> {
  return audited(message, deps, async (entry) => {
    const caller = entry.caller(await authenticate(message, deps));
    const door = entry.server(resolveDoor(message, deps));
    entry.quota(await spendMessage(caller, deps));
    const tools = visibleTools(message, caller, door, deps).map((tool) => tool.entry);
    const scopes = [...new Set(tools.flatMap((tool) => tool.scopes))].sort();
    return ownReply(capabilities(settings, { tools, scopes }));
  });
}
