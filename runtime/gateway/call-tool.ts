import type { Grant } from '../contract/receipts.ts';
import type { ToolCall } from '../contract/tool-call.ts';
import { askPeople } from './approval/ask-people.ts';
import { audited } from './audited.ts';
import type { GatewayDeps } from './deps.ts';
import type { Outlet, RecordedReply } from './safe-reply.ts';
import { authenticate } from './steps/authenticate.ts';
import { authorize, decideWithGrants } from './steps/authorize.ts';
import { forward } from './steps/forward.ts';
import { redactAnswer } from './steps/redact-answer.ts';
import { requireElevation } from './steps/require-elevation.ts';
import { resolveTool } from './steps/resolve-tool.ts';
import { spendQuota } from './steps/spend-quota.ts';
import { validateArguments } from './steps/validate-arguments.ts';

/** Serves one tools/call. Read top to bottom: a line may use only what the lines above it proved. */
export function callTool(call: ToolCall, outlet: Outlet, deps: GatewayDeps): Promise<RecordedReply> {
  return audited(call, deps, async (entry) => {
    const caller = entry.caller(await authenticate(call, deps));
    const tool = entry.tool(resolveTool(call, caller, deps));
    const allowed = entry.decision(authorize(caller, tool, call, deps));
    // Before validation: malformed calls cost too.
    const quota = entry.quota(await spendQuota(caller, tool, allowed, deps));
    const args = entry.args(validateArguments(tool, call, deps));
    const checked = { caller, tool, args, allowed };
    const deciders = {
      decideAgain: decideWithGrants(caller, tool, call, args, deps),
      people: askPeople(checked, call, { outlet, wait: (people) => entry.wait(people) }, deps),
      sign: (grant: Grant, use?: number) =>
        deps.signReceipt({ grant, use, audience: tool.version.audience, callId: call.callId }),
    };
    const elevation = entry.elevation(await requireElevation(checked, deciders, deps));
    await entry.intent(tool.entry.destructive);
    const answer = entry.answer(await forward({ caller, tool, allowed, quota, args, elevation }, call, outlet, deps));
    return redactAnswer(answer, call, caller, allowed, deps);
  });
}
