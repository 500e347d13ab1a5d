import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { isCount } from '../contract/policy-values.ts';
import { type Grant, type GrantedCall, grantedCallFields } from '../contract/receipts.ts';
import { keyHash } from './key-hash.ts';

/** Whatever a record claims, a yes is open for no longer. */
export const grantLifetimeMaxMs = 15 * 60_000;

/** Kept for longer than its request (a week after its end), which says what became of it: a grant that is gone would read as one that nobody used. */
const keptSeconds = 8 * 86_400;

export interface GrantKey {
  readonly pk: string;
  readonly sk: string;
}

/** Where the grant `id` of a call is kept, or would be. */
export function grantKey(call: GrantedCall, id: string): GrantKey {
  return { pk: grantPartition(call), sk: `grant#${keyHash(id)}` };
}

/** Where the grant `id` of several calls is kept, or would be. `sameSha256` as in GrantedCalls. */
export function windowKey(call: GrantedCall, sameSha256: string, id: string): GrantKey {
  return { pk: windowPartition(call, sameSha256), sk: `grant#${keyHash(id)}` };
}

export function grantPartition(call: GrantedCall): string {
  return `call#${keyHash(...grantedCallFields.map((field) => call[field]))}`;
}

/** Equal for all calls that have in common what a window binds. */
export function windowPartition(call: GrantedCall, sameSha256: string): string {
  return `window#${keyHash(...windowFields.map((field) => call[field]), sameSha256)}`;
}

export function keyOf(grant: Grant): GrantKey {
  const { id, calls } = grant;
  return calls === undefined ? grantKey(grant, id) : windowKey(grant, calls.sameSha256, id);
}

export function toGrantItem(grant: Grant): Record<string, AttributeValue> {
  const { calls, ...rest } = grant;
  const several = calls && { callsMax: calls.max, callsUsed: calls.used, sameSha256: calls.sameSha256 };
  const expires_at = Math.ceil(endOf(grant) / 1000) + keptSeconds;
  return marshall({ ...keyOf(grant), ...rest, ...several, expires_at });
}

/** For several calls only where the record says so in full; what it says of a window otherwise makes it no grant of any. */
export function fromGrantItem(item: Record<string, AttributeValue>): Grant {
  const stored = unmarshall(item);
  const { id, approver, callsMax, callsUsed, sameSha256 } = stored;
  const times = { grantedAtMs: Number(stored.grantedAtMs), expiresAtMs: Number(stored.expiresAtMs) };
  return {
    id,
    ...callOf(stored as GrantedCall),
    approver,
    grantedAtMs: times.grantedAtMs,
    expiresAtMs: endOf(times),
    ...(isCount(callsMax) &&
      isCount(callsUsed) &&
      typeof sameSha256 === 'string' && { calls: { max: callsMax, used: callsUsed, sameSha256 } }),
  };
}

export function isOpen(grant: Grant, nowMs: number): boolean {
  return grant.grantedAtMs <= nowMs && nowMs < grant.expiresAtMs;
}

/** The partition is a hash over the call already; this holds for records that were written by other means, too. */
export function isForCall(grant: Grant, call: GrantedCall): boolean {
  return grant.calls === undefined && grantedCallFields.every((field) => grant[field] === call[field]);
}

/** As {@link isForCall}, of a grant of several calls. */
export function isForLike(grant: Grant, call: GrantedCall, sameSha256: string): boolean {
  return grant.calls?.sameSha256 === sameSha256 && windowFields.every((field) => grant[field] === call[field]);
}

/** The call that a grant or a request is for, without the rest of it. */
export function callOf(bound: GrantedCall): GrantedCall {
  const { tenant, subject, clientId, server, tool, definitionHash, argumentsSha256, policyRevision } = bound;
  return { tenant, subject, clientId, server, tool, definitionHash, argumentsSha256, policyRevision };
}

const windowFields = grantedCallFields.filter((field) => field !== 'argumentsSha256');

function endOf({ grantedAtMs, expiresAtMs }: Pick<Grant, 'grantedAtMs' | 'expiresAtMs'>): number {
  return Math.min(expiresAtMs, grantedAtMs + grantLifetimeMaxMs);
}
