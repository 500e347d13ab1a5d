import { approvalScope } from '../contract/step-up.ts';
import type { JsonRpcId } from '../contract/tool-call.ts';
import type { Refusal } from '../shared/refusal.ts';
import { missingApprovalForm, type RefusalForm, refusalForms } from '../shared/refusal-forms.ts';

function formOf({ code }: Refusal): RefusalForm {
  return code === 'approval_required' ? missingApprovalForm : refusalForms[code];
}

/** What the gateway would tell the model as a result is an error among servers. */
function rpcCodeOf({ rpc }: RefusalForm): number {
  return rpc === 'result' ? invalidParams : rpc;
}

/** JSON-RPC 2.0 § 5.1. */
const invalidParams = -32602;

/** A whole HTTP answer. */
export interface RefusalAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function statusOf(refusal: Refusal): number {
  return formOf(refusal).status;
}

/** `id`: of the refused message, null when none could be read (JSON-RPC 2.0 § 5). */
export function refusalAnswer(refusal: Refusal, id: JsonRpcId | null): RefusalAnswer {
  const form = formOf(refusal);
  const { scopes } = refusal.details;
  const data = { code: refusal.code, ...(scopes !== undefined && { scopes }) };
  return {
    status: form.status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(form.challenge !== undefined && { 'www-authenticate': challengeOf(refusal, form.challenge) }),
      ...(refusal.code === 'method_not_allowed' && { allow: 'POST' }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, error: { code: rpcCodeOf(form), message: refusal.message, data } }),
  };
}

/** RFC 6750 § 3. `scope` names everything that the operation needs (MCP authorization § Scope Challenge Handling). */
function challengeOf({ code, message, details }: Refusal, error: string): string {
  const needed = code === 'approval_required' ? [...(details.scopes ?? []), approvalScope] : details.scopes;
  const parameters = [
    error === '' ? undefined : `error="${error}"`,
    needed === undefined ? undefined : `scope="${[...new Set(needed)].join(' ')}"`,
    error === '' ? undefined : `error_description="${message.replace(/[^\x20-\x7e]|["\\]/g, '')}"`,
  ].filter((parameter) => parameter !== undefined);
  return ['Bearer', parameters.join(', ')].join(' ').trimEnd();
}
