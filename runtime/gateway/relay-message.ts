import type { JsonObject } from '../contract/json.ts';
import type { McpMessage } from '../contract/tool-call.ts';
import { Refusal } from '../shared/refusal.ts';
import { audited } from './audited.ts';
import type { GatewayDeps } from './deps.ts';
import { type Outlet, ownReply, type RecordedReply, type SafeReply } from './safe-reply.ts';
import { authenticate } from './steps/authenticate.ts';
import { authorizeEntry, checkServed } from './steps/authorize.ts';
import { forwardMessage } from './steps/forward.ts';
import { redactAnswer } from './steps/redact-answer.ts';
import { resolveDoor } from './steps/resolve-tool.ts';
import { spendMessage } from './steps/spend-quota.ts';
import { legacyVersions, metaKeys, modernVersions } from './transport/protocol-versions.ts';

/** Serves every request but tools/list and tools/call: from one server through its own door, or from the gateway at the door to all. */
export function relayMessage(message: McpMessage, outlet: Outlet, deps: GatewayDeps): Promise<RecordedReply> {
  return audited(message, deps, async (entry) => {
    const caller = entry.caller(await authenticate(message, deps));
    const door = entry.server(resolveDoor(message, deps));
    const allowed = entry.decision(authorizeEntry(caller, door, message, deps));
    const quota = entry.quota(await spendMessage(caller, deps));
    const { server, version } = door;
    if (server === undefined || version === undefined) return answerForAll(message);
    checkServed({ version }, deps.now());
    // A stream may last for hours, so that it began is on record before it does.
    await entry.intent(message.method === 'subscriptions/listen');
    const proved = { caller, server, version, allowed, quota };
    const answer = entry.answer(await forwardMessage(proved, message, outlet, deps));
    return redactAnswer(answer, message, caller, allowed, deps);
  });
}

/** Takes note of a notification. Neither this gateway nor its tool servers hold a connection that it could be for. */
export function noteNotification(message: McpMessage, deps: GatewayDeps): Promise<RecordedReply> {
  return audited(message, deps, async (entry) => {
    const caller = entry.caller(await authenticate(message, deps));
    entry.server(resolveDoor(message, deps));
    entry.quota(await spendMessage(caller, deps));
    return { ...ownReply({}), status: 202 };
  });
}

const serverInfo = { name: 'toolgate', title: 'Toolgate', version: '0.1.0' };
const instructions =
  'Every call here is authorised, metered, checked against its schema and recorded. A refused call says why in its error.';

function answerForAll(message: McpMessage): SafeReply {
  switch (message.method) {
    case 'server/discover':
      return ownReply({
        resultType: 'complete',
        supportedVersions: modernVersions,
        capabilities: { tools: {} },
        instructions,
        ttlMs: 3_600_000,
        cacheScope: 'private',
        _meta: { [metaKeys.serverInfo]: serverInfo },
      });
    case 'initialize':
      return ownReply(initializeResult(message.params));
    case 'ping':
      return ownReply({});
    default:
      // Resources, prompts and completions belong to one server: which, only its own door says.
      throw new Refusal('method_not_found');
  }
}

/** MCP 2025-11-25 basic/lifecycle § Version Negotiation: the client's version when we speak it, else our newest. No id of a connection. */
function initializeResult({ protocolVersion }: JsonObject): JsonObject {
  if (typeof protocolVersion !== 'string') {
    throw new Refusal('params_invalid', { reason: 'params.protocolVersion must be a string.' });
  }
  const version = legacyVersions.includes(protocolVersion) ? protocolVersion : (legacyVersions[0] as string);
  return { protocolVersion: version, capabilities: { tools: {} }, serverInfo, instructions };
}
