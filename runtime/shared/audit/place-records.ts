import { hash as digest } from 'node:crypto';
import type { AuditRecord } from '../../contract/audit-event.ts';
import { type EncodedEvent, encodeRecord } from './encode-event.ts';

/** The last record of a chain. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** Events with their places in a chain, as the lines that record them. */
export interface PlacedRecords<T> {
  /** One line each, with its newline. */
  readonly bytes: Buffer;
  /** After the last one. */
  readonly head: ChainHead;
  readonly placed: readonly { readonly entry: T; readonly record: () => AuditRecord; readonly hash: string }[];
}

/** Chains events after `head`, in their order. */
export function placeRecords<T extends { readonly encoded: EncodedEvent }>(
  writer: string,
  head: ChainHead,
  entries: readonly T[],
): PlacedRecords<T> {
  let { seq, hash: prev } = head;
  let text = '';
  const placed: { entry: T; record: () => AuditRecord; hash: string }[] = [];
  for (const entry of entries) {
    seq += 1;
    const place = { v: 1, writer, seq, prev } as const;
    const line = encodeRecord(writer, seq, prev, entry.encoded.members);
    prev = digest('sha256', line);
    placed.push({ entry, record: () => ({ ...place, ...entry.encoded.event }), hash: prev });
    text += `${line}\n`;
  }
  // The text is ASCII, so that latin1 is its bytes.
  return { bytes: Buffer.from(text, 'latin1'), head: { seq, hash: prev }, placed };
}
