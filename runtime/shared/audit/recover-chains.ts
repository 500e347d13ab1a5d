import { createHash, hash as digest } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { JsonObject } from '../../contract/json.ts';
import { segmentTenant, zeroHash } from './audit-layout.ts';
import type { ChainState } from './chain.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type AcknowledgedHead, readHeadSlots } from './head-slots.ts';
import { type ChainFile, listChainFiles } from './list-chain-files.ts';
import { readLines } from './read-lines.ts';

/** A chain as the last run left it. */
export interface RecoveredChain {
  readonly segment: string;
  readonly state: ChainState;
  /** What had to be cut off, or is missing; undefined when the chain ends where it should. */
  readonly finding?: JsonObject;
}

interface Head {
  readonly seq: number;
  readonly hash: string;
}

/**
 * Finds where each chain of a writer goes on after any end of the last run. What follows the last whole record is moved to `torn/`.
 * A record that was acknowledged (by the stored head or a signed checkpoint) is never cut: when it is damaged or gone the file stays
 * as it is for the verifier, and the chain goes on from the acknowledged head in a new file.
 */
export async function recoverChains(
  directory: string,
  writer: string,
  headsPath: string,
  signedHeads: Checkpoint['heads'],
): Promise<RecoveredChain[]> {
  const slots = readHeadSlots(headsPath);
  const files = chainFiles(directory, writer);
  const segments = new Set([...files.keys(), ...slots.keys(), ...Object.keys(signedHeads)]);
  const chains: RecoveredChain[] = [];
  for (const segment of [...segments].filter((name) => segmentTenant(name) !== undefined).sort()) {
    const [own, slot, signed] = [files.get(segment) ?? [], slots.get(segment), signedHeads[segment]];
    chains.push(await recoverChain(directory, writer, segment, own, slot, signed));
  }
  return chains;
}

async function recoverChain(
  directory: string,
  writer: string,
  segment: string,
  newestFirst: readonly ChainFile[],
  slot: AcknowledgedHead | undefined,
  signed: Head | undefined,
): Promise<RecoveredChain> {
  const acknowledged: Head | undefined = slot !== undefined && slot.seq >= (signed?.seq ?? 0) ? slot : signed;
  let finding: JsonObject | undefined;
  for (const file of newestFirst) {
    const found = await scan(directory, writer, segment, file, slot);
    const lastSeq = found?.seq ?? file.firstSeq - 1;
    if (acknowledged !== undefined && lastSeq < acknowledged.seq && acknowledged.seq >= file.firstSeq) {
      const missing = { damaged_file: file.path, last_whole_seq: lastSeq, missing_up_to_seq: acknowledged.seq };
      return { segment, state: place(acknowledged), finding: { ...finding, ...missing } };
    }
    const bytes = found?.bytes ?? 0;
    if (fs.statSync(join(directory, file.path)).size > bytes)
      finding = { ...finding, ...cutTail(directory, segment, file.path, bytes) };
    if (found === undefined) continue;
    if (acknowledged !== undefined && found.seq < acknowledged.seq)
      return { segment, state: place(acknowledged), finding: { ...finding, missing_up_to_seq: acknowledged.seq } };
    const state = { ...place(found), file: { path: file.path, date: file.date, bytes } };
    return finding === undefined ? { segment, state } : { segment, state, finding };
  }
  if (acknowledged !== undefined)
    return { segment, state: place(acknowledged), finding: { ...finding, missing_up_to_seq: acknowledged.seq } };
  const state = { seq: 0, hash: zeroHash };
  return finding === undefined ? { segment, state } : { segment, state, finding };
}

function place({ seq, hash }: Head): Head {
  return { seq, hash };
}

/**
 * Follows the chain through the file as far as it holds, from the stored head when that names a line of this file. Undefined when
 * no line of the file holds.
 */
async function scan(
  directory: string,
  writer: string,
  segment: string,
  file: ChainFile,
  slot: AcknowledgedHead | undefined,
): Promise<{ seq: number; hash: string; bytes: number } | undefined> {
  const path = join(directory, file.path);
  let found = slot?.file === file.path && isLineEnd(path, slot) ? { ...place(slot), bytes: slot.bytes } : undefined;
  for await (const line of readLines(path, found?.bytes ?? 0)) {
    if (!line.isComplete || line.isTooLong) break;
    const record = parseRecord(line.bytes);
    const seq = found === undefined ? file.firstSeq : found.seq + 1;
    if (record?.writer !== writer || record.tenant !== segmentTenant(segment) || record.seq !== seq) break;
    // A file's first line may link to a file before it, which is not read here.
    if (found !== undefined && record.prev !== found.hash) break;
    found = { seq, hash: digest('sha256', line.bytes), bytes: line.offset + line.bytes.length + 1 };
  }
  return found;
}

function isLineEnd(path: string, head: AcknowledgedHead): boolean {
  const bytes = Buffer.alloc(Math.min(head.bytes, 1024 * 1024));
  const fd = fs.openSync(path, 'r');
  try {
    if (fs.readSync(fd, bytes, 0, bytes.length, head.bytes - bytes.length) !== bytes.length) return false;
  } finally {
    fs.closeSync(fd);
  }
  if (bytes.at(-1) !== 10) return false;
  const start = bytes.lastIndexOf(10, bytes.length - 2) + 1;
  return digest('sha256', bytes.subarray(start, -1)) === head.hash;
}

/** Moves everything from `from` on to `torn/`, then cuts the file there. A crash in between does it again. */
export function cutTail(directory: string, segment: string, path: string, from: number): JsonObject {
  const file = join(directory, path);
  const fd = fs.openSync(file, 'r+');
  try {
    const size = fs.fstatSync(fd).size;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const kept = `torn/${segment}/${name}.${from}-${size}`;
    fs.mkdirSync(dirname(join(directory, kept)), { recursive: true, mode: 0o700 });
    const target = fs.openSync(join(directory, kept), 'w', 0o600);
    const sum = createHash('sha256');
    const buffer = Buffer.alloc(64 * 1024);
    try {
      for (let at = from; at < size; ) {
        const count = fs.readSync(fd, buffer, 0, Math.min(buffer.length, size - at), at);
        if (count === 0) break;
        sum.update(buffer.subarray(0, count));
        fs.writeSync(target, buffer, 0, count);
        at += count;
      }
      fs.fsyncSync(target);
    } finally {
      fs.closeSync(target);
    }
    fs.ftruncateSync(fd, from);
    fs.fsyncSync(fd);
    return { torn_file: path, torn_bytes: size - from, torn_sha256: sum.digest('hex'), kept_as: kept };
  } finally {
    fs.closeSync(fd);
  }
}

/** The files of a writer by tenant segment, newest first, without empty ones: a write that failed leaves those. */
function chainFiles(directory: string, writer: string): Map<string, ChainFile[]> {
  const found = new Map<string, ChainFile[]>();
  for (const file of listChainFiles(directory).files) {
    if (file.writer !== writer || file.size === 0) continue;
    const list = found.get(file.segment) ?? [];
    found.set(file.segment, list);
    list.push(file);
  }
  for (const list of found.values()) list.sort((a, b) => b.firstSeq - a.firstSeq);
  return found;
}

function parseRecord(bytes: Buffer): { writer?: unknown; tenant?: unknown; seq?: unknown; prev?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('latin1'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
