import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type {
  ApprovalDecision,
  ApprovalQuestion,
  ApprovalRequest,
  ApprovalState,
  WindowOffer,
} from '../contract/approval.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { Grant, GrantedCall } from '../contract/receipts.ts';
import { type Bounds, cutJson } from './cut-json.ts';
import { callOf, grantLifetimeMaxMs } from './grant-items.ts';
import { jsonBeginning } from './json-beginning.ts';
import { keyHash } from './key-hash.ts';

/** An item as DynamoDB has it. */
export type Item = Record<string, AttributeValue>;

/** Which request a call has, and until when: the one place where two askers of the same call meet. */
export interface AskedItem {
  readonly requestId: string;
  /** Of the call that claimed it: whoever writes the request writes this one. */
  readonly callId: string;
  readonly openedAtMs: number;
  readonly expiresAtMs: number;
}

/** Kept for a week after its end, so that a late click and a late question find out what became of it. */
const keptSeconds = 7 * 86_400;

/** What a request keeps of the arguments itself: lists and sweeps read it every few seconds. Where that is not all, all of them are an item beside it. */
const beginningBytesMax = 16_384;
const beginning: Bounds = {
  stringMax: beginningBytesMax,
  keyMax: 256,
  itemsMax: 100,
  totalMax: beginningBytesMax,
  isFirst: true,
};

export function requestKey(id: string): Item {
  return marshall({ pk: `request#${id}`, sk: 'request' });
}

export function argumentsKey(id: string): Item {
  return marshall({ pk: `request#${id}`, sk: 'arguments' });
}

export function askedKey(call: GrantedCall): Item {
  return marshall({ pk: `asked#${keyHash(...Object.values(callOf(call)))}`, sk: 'asked' });
}

/** Partition of the index `unsettled`. Hides the tenant's name from whoever may list keys. */
export function unsettledTenant(tenant: string): string {
  return keyHash(tenant);
}

/** Sort key of the index `unsettled`: from when the request needs somebody. */
export function unsettledSince(fromMs: number, id: string): string {
  return `${new Date(fromMs).toISOString()}#${id}`;
}

export function toAskedItem(call: GrantedCall, asked: AskedItem): Item {
  return { ...askedKey(call), ...marshall({ ...asked, expires_at: endSeconds(asked.expiresAtMs) }) };
}

export function fromAskedItem(item: Item): AskedItem {
  const { requestId, callId, openedAtMs, expiresAtMs } = unmarshall(item) as AskedItem;
  return { requestId, callId, openedAtMs: Number(openedAtMs), expiresAtMs: Number(expiresAtMs) };
}

/** The item of a request that has just been opened. */
export function toRequestItem(question: ApprovalQuestion, asked: AskedItem): Item {
  const { requestId: id, callId, openedAtMs, expiresAtMs } = asked;
  const { clientName, words, reasons, window } = question;
  const { text, isAbridged } = beginningOf(question);
  return {
    ...requestKey(id),
    ...marshall(
      {
        id,
        ...callOf(question),
        callId,
        clientName,
        words,
        // As text: whatever people are shown is then what was asked, key order included.
        arguments: text,
        ...(isAbridged && { isAbridged }),
        reasons,
        windowCallsMax: window?.callsMax,
        windowSame: window && JSON.stringify(window.same),
        windowSha256: window?.sha256,
        openedAtMs,
        expiresAtMs,
        state: 'open',
        unsettled_tenant: unsettledTenant(question.tenant),
        unsettled_since: unsettledSince(openedAtMs, id),
        expires_at: endSeconds(expiresAtMs),
      },
      { removeUndefinedValues: true },
    ),
  };
}

/** All of the arguments, for as long as the request that has but their beginning; undefined for one that has them all. */
export function toArgumentsItem(question: ApprovalQuestion, asked: AskedItem): Item | undefined {
  if (!beginningOf(question).isAbridged) return undefined;
  const { requestId: id, expiresAtMs } = asked;
  const text = JSON.stringify(question.arguments);
  return { ...argumentsKey(id), ...marshall({ text, expires_at: endSeconds(expiresAtMs) }) };
}

export function fromArgumentsItem(item: Item): JsonObject {
  return toObject(unmarshall(item).text as string);
}

export function fromRequestItem(item: Item): ApprovalRequest {
  const stored = unmarshall(item);
  const { verdict, approver, reason, via, scope, noticeChannel, noticeMessage } = stored;
  const window = windowOf(stored);
  return {
    id: stored.id as string,
    ...callOf(stored as GrantedCall),
    callId: stored.callId as string,
    clientName: stored.clientName as string | undefined,
    words: stored.words as string,
    arguments: toObject(stored.arguments as string),
    ...(stored.isAbridged === true && { isAbridged: true }),
    reasons: stored.reasons as readonly string[],
    ...(window !== undefined && { window }),
    openedAtMs: Number(stored.openedAtMs),
    expiresAtMs: Number(stored.expiresAtMs),
    state: stored.state as ApprovalState,
    closedAtMs: stored.closedAtMs === undefined ? undefined : Number(stored.closedAtMs),
    ...(stored.closedBy !== undefined && closedByOf(stored.closedBy as string, stored.id as string)),
    ...(stored.outcomeRecorded === true && { isOutcomeRecorded: true }),
    ...(stored.takingBackAtMs !== undefined && { takingBackAtMs: Number(stored.takingBackAtMs) }),
    decision:
      verdict === undefined
        ? undefined
        : ({ verdict, approver, reason, via, ...(scope !== undefined && { scope }) } as ApprovalDecision),
    notice:
      noticeMessage === undefined ? undefined : { channel: noticeChannel as string, message: noticeMessage as string },
  };
}

/** A workflow has no call id of its own; its execution is named after the request. */
function closedByOf(closedBy: string, id: string): Pick<ApprovalRequest, 'closedCallId' | 'isClosedByWorkflow'> {
  return closedBy === 'workflow' ? { closedCallId: id, isClosedByWorkflow: true } : { closedCallId: closedBy };
}

/** The yes that an approved request is; whoever derives it derives the same. Undefined for any other request. Where no window is offered, a yes is for one call. */
export function grantOf(request: ApprovalRequest): Grant | undefined {
  const { id, state, closedAtMs, decision, window } = request;
  if (state !== 'approved' || closedAtMs === undefined || decision?.verdict !== 'approve') return undefined;
  return {
    id,
    ...callOf(request),
    approver: decision.approver,
    grantedAtMs: closedAtMs,
    expiresAtMs: closedAtMs + grantLifetimeMaxMs,
    ...(decision.scope === 'window' &&
      window !== undefined && { calls: { max: window.callsMax, used: 0, sameSha256: window.sha256 } }),
  };
}

/** A request as it is at `nowMs`: an open one whose time is over has expired, whether somebody noted that or not. */
export function asOf(request: ApprovalRequest, nowMs: number): ApprovalRequest {
  if (request.state !== 'open' || nowMs < request.expiresAtMs) return request;
  return { ...request, state: 'expired', closedAtMs: request.expiresAtMs };
}

function beginningOf({ arguments: all }: ApprovalQuestion): { readonly text: string; readonly isAbridged: boolean } {
  const text = JSON.stringify(jsonBeginning(cutJson(all, beginning), beginningBytesMax));
  return { text, isAbridged: text !== JSON.stringify(all) };
}

function endSeconds(expiresAtMs: number): number {
  return Math.ceil(expiresAtMs / 1000) + keptSeconds;
}

function windowOf({ windowCallsMax, windowSame, windowSha256 }: Record<string, unknown>): WindowOffer | undefined {
  if (windowCallsMax === undefined || typeof windowSha256 !== 'string') return undefined;
  return {
    callsMax: Number(windowCallsMax),
    same: toObject(windowSame as string) as WindowOffer['same'],
    sha256: windowSha256,
  };
}

function toObject(text: string): JsonObject {
  const value = JSON.parse(text) as Json;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
