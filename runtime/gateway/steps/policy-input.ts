import type { Caller } from '../../contract/caller.ts';
import type { PolicyElevation, PolicyInput } from '../../contract/decision.ts';
import type { ValidArguments } from '../../contract/receipts.ts';
import type { ToolCall } from '../../contract/tool-call.ts';
import type { DoorTool } from '../catalogue-index.ts';
import type { GatewayDeps } from '../deps.ts';

export function policyCaller(caller: Caller): PolicyInput['caller'] {
  return {
    subject: caller.subject,
    tenant: caller.tenant,
    kind: caller.kind,
    roles: caller.roles,
    scopes: caller.scopes,
    client_id: caller.clientId,
  };
}

/** What policy sees of one call: values of the body and the registry, never a header. */
export function callInput(
  caller: Caller,
  tool: DoorTool,
  call: ToolCall,
  deps: Pick<GatewayDeps, 'now' | 'policy'>,
): PolicyInput {
  const tenant = deps.policy.tenant(caller.tenant);
  return {
    now_ms: deps.now(),
    method: call.method,
    caller: policyCaller(caller),
    tool: tool.policy,
    server: tool.server.name,
    request: { bytes: call.bodyBytes, arguments: call.arguments },
    ...(tenant !== undefined && { tenant }),
    elevations: [],
  };
}

/** The same with open grants, and with what binds a grant to one call, or to one of several that are alike. */
export function elevatedInput(
  input: PolicyInput,
  tool: DoorTool,
  args: ValidArguments,
  elevations: readonly PolicyElevation[],
  sameSha256?: string,
): PolicyInput {
  return {
    ...input,
    tool: { ...tool.policy, definition_hash: tool.entry.definitionHash },
    request: {
      ...input.request,
      arguments_sha256: args.sha256,
      ...(sameSha256 !== undefined && { same_sha256: sameSha256 }),
    },
    elevations,
  };
}
