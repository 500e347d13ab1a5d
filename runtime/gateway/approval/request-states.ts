import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { GrantedCall } from '../../contract/receipts.ts';
import { keyHash } from '../../shared/key-hash.ts';
import { Refusal } from '../../shared/refusal.ts';

/** What the gateway remembers of a question to people while the client carries it. */
export interface PendingApproval {
  /** Id of the approval request. */
  readonly approvalId: string;
  /** Which answer of ours carries it, from 1. */
  readonly round: number;
}

/** Seals {@link PendingApproval} into `requestState` (MCP basic/patterns/mrtr), for one caller and one call. */
export interface RequestStates {
  seal(pending: PendingApproval, call: GrantedCall): string;
  /** Throws Refusal `request_state_invalid`; what is wrong stands in the record only. */
  open(text: unknown, call: GrantedCall): PendingApproval;
  /** Whether it was sealed here for this call, also when it has expired: then it is nobody else's to read. */
  isOwn(text: unknown, call: GrantedCall): boolean;
}

export interface RequestStatesOptions {
  /** 32 bytes, the same for every replica. */
  readonly key: Uint8Array;
  readonly now: () => number;
}

/** How long a client may take to come back. */
export const stateLifetimeMs = 900_000;

const prefix = 'toolgate1.';
/** A state of ours is about 200 characters. */
const lengthMax = 1024;
const ivBytes = 12;
const tagBytes = 16;

interface Sealed {
  readonly id: string;
  readonly round: number;
  readonly expiresAtMs: number;
  /** Hash of the call. */
  readonly call: string;
}

/** AES-256-GCM: nobody without the key reads or changes one. */
export function createRequestStates({ key, now }: RequestStatesOptions): RequestStates {
  const aad = Buffer.from(prefix);
  const unseal = (text: unknown): Sealed | string => {
    if (typeof text !== 'string' || text.length > lengthMax) return 'it is no text, or too long a one';
    if (!text.startsWith(prefix)) return 'it is none of this gateway';
    const encoded = text.slice(prefix.length);
    const bytes = Buffer.from(encoded, 'base64url');
    // One state has one text: a decoder that overlooks letters would take many.
    if (bytes.length <= ivBytes + tagBytes || bytes.toString('base64url') !== encoded) return 'it is not whole';
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
      decipher.setAAD(aad);
      decipher.setAuthTag(bytes.subarray(-tagBytes));
      const plain = Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()]);
      return JSON.parse(plain.toString()) as Sealed;
    } catch {
      return 'it was changed, or sealed with another key';
    }
  };
  return {
    seal({ approvalId, round }, call) {
      const sealed: Sealed = { id: approvalId, round, expiresAtMs: now() + stateLifetimeMs, call: hashOf(call) };
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
      cipher.setAAD(aad);
      const body = Buffer.concat([cipher.update(JSON.stringify(sealed)), cipher.final()]);
      return prefix + Buffer.concat([iv, body, cipher.getAuthTag()]).toString('base64url');
    },
    open(text, call) {
      const sealed = unseal(text);
      if (typeof sealed === 'string') throw invalid(sealed);
      if (sealed.call !== hashOf(call)) throw invalid('it is of another call, caller, definition or policy');
      if (sealed.expiresAtMs <= now()) throw invalid('it has expired');
      return { approvalId: sealed.id, round: sealed.round };
    },
    isOwn(text, call) {
      const sealed = unseal(text);
      return typeof sealed !== 'string' && sealed.call === hashOf(call);
    },
  };
}

function hashOf(call: GrantedCall): string {
  return keyHash(
    call.tenant,
    call.subject,
    call.clientId,
    call.server,
    call.tool,
    call.definitionHash,
    call.argumentsSha256,
    call.policyRevision,
  );
}

function invalid(what: string): Refusal {
  return new Refusal('request_state_invalid', { privateDetail: what });
}
