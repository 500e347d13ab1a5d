import { createHash, hash as digest } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../../contract/audit-event.ts';
import { segmentTenant, zeroHash } from './audit-layout.ts';
import type { ChainFile } from './list-chain-files.ts';
import { type FileLine, GzipBroken, readLines } from './read-lines.ts';
import type { ChainReport, FindingKind, Findings } from './verification.ts';
import type { SignedHashes } from './verify-checkpoints.ts';

/** What a chain is held against. */
export interface ChainEvidence {
  readonly signed: SignedHashes;
  /** The head that was stored before the last acknowledgement, unsigned. */
  readonly stored: { readonly seq: number; readonly hash: string } | undefined;
}

const intentsMax = 100_000;
const unfinishedShown = 20;

/** Follows one chain through its files, in bounded memory, and reports each way in which it does not hold. */
export async function verifyChain(
  directory: string,
  segment: string,
  writer: string,
  files: readonly ChainFile[],
  evidence: ChainEvidence,
  findings: Findings,
): Promise<ChainReport> {
  const tenant = segmentTenant(segment);
  const notes: string[] = [];
  const intents = new Set<string>();
  const findingsBefore = findings.count();
  let next = 1;
  /** Hash of the line before; undefined when it is not known, after a gap. */
  let prev: string | undefined = zeroHash;
  let at: { file: string; line: number } | undefined;
  let isRunning = false;
  let records = 0;
  let crashes = 0;
  let from: string | undefined;
  let to: string | undefined;
  const found = (kind: FindingKind, place: { file: string; line?: number }, message: string) =>
    findings.add(kind, place.file, place.line, message);

  for (const [index, file] of files.entries()) {
    if (file.firstSeq > next) {
      const missing = missingRecords(next, file.firstSeq - 1, ` of ${segment} by ${writer}`);
      if (at === undefined)
        found('missing_first_part', { file: file.path }, `${missing}: this is the first file there is.`);
      else found('missing_file', { file: file.path }, `${missing} before this file.`);
      [next, prev, at] = [file.firstSeq, undefined, undefined];
    }
    let isDateWrong = false;
    let lineNumber = 0;
    const path = join(directory, file.path);
    if (file.sha256 !== undefined && !(await hashOf(path)).startsWith(file.sha256))
      found('edited_object', { file: file.path }, 'The bytes of the object are not those that its name was made of.');
    for await (const line of wholeLines(path, () =>
      found('edited_object', { file: file.path, line: lineNumber + 1 }, 'From here on the object cannot be unpacked.'),
    )) {
      lineNumber += 1;
      const here = { file: file.path, line: lineNumber };
      if (!line.isComplete && file.sha256 === undefined && index === files.length - 1) {
        notes.push(`${file.path} ends in ${line.bytes.length} bytes of an unfinished record, never acknowledged`);
        break;
      }
      const record = parseRecord(line);
      if (record === undefined) {
        found('unparsable_line', here, 'The line is no audit record.');
        // The record after it says whether these bytes are what was chained; that would be the same finding twice.
        [next, prev, at] = [next + 1, undefined, here];
        continue;
      }
      if (record.writer !== writer || record.tenant !== tenant) {
        found('foreign_line', here, 'The record names another writer or tenant than its path.');
        continue;
      }
      if (record.seq < next) {
        found('out_of_order', here, `Record ${record.seq} stands where record ${next} belongs.`);
        continue;
      }
      const hash = digest('sha256', line.bytes);
      const isNext = record.seq === next;
      if (!isNext) found('gap', here, `${missingRecords(next, record.seq - 1)} before this line.`);
      else if (prev !== undefined && record.prev !== prev)
        found('edited_line', at ?? here, `Record ${next - 1} is not the one that record ${next} links to.`);
      if (evidence.signed.has(record.seq) && evidence.signed.get(record.seq) !== hash)
        found('rewritten', here, `Record ${record.seq} is not the one that was signed.`);
      else if (evidence.stored?.seq === record.seq && evidence.stored.hash !== hash)
        found('rewritten', here, `Record ${record.seq} is not the one that was acknowledged last.`);
      if (!isDateWrong && !liesWhere(file, record)) {
        isDateWrong = true;
        found('wrong_date', here, `A record of ${record.time} lies under ${partitionOf(file)}.`);
      }
      if (record.event === 'writer_started') {
        if (isRunning) crashes += 1;
        isRunning = true;
      } else if (!isRunning && isNext) {
        found('wrong_run', here, `Record ${record.seq} belongs to no run: no writer_started is before it.`);
        isRunning = true;
      }
      if (record.event === 'writer_closed') isRunning = false;
      if (record.event === 'mcp_call_intent' && intents.size < intentsMax) intents.add(record.call_id);
      if (record.event === 'mcp_call') intents.delete(record.call_id);
      records += 1;
      // A call is recorded at its end and names its beginning, so that times need not rise with the records.
      if (from === undefined || record.time < from) from = record.time;
      if (to === undefined || record.time > to) to = record.time;
      if (!isNext) isRunning = true;
      [next, prev, at] = [record.seq + 1, hash, here];
    }
  }

  const signedSeq = highest(evidence.signed);
  const endSeq = Math.max(signedSeq, evidence.stored?.seq ?? 0);
  const last = files.at(-1)?.path ?? `calls/tenant=${segment}`;
  if (endSeq >= next) {
    const proof = signedSeq >= next ? 'they were signed' : 'they were acknowledged';
    found('cut_tail', { file: last }, `${missingRecords(next, endSeq, ` of ${segment} by ${writer}`)}: ${proof}.`);
  }
  if (crashes > 0) notes.push(`${crashes} run${crashes === 1 ? '' : 's'} ended without writer_closed`);
  if (intents.size > 0)
    notes.push(`${intents.size} call${intents.size === 1 ? '' : 's'} unfinished: an intent without its outcome`);
  return {
    tenant: tenant ?? segment,
    writer,
    files: files.length,
    records,
    lastSeq: next - 1,
    from,
    to,
    signedSeq,
    unfinishedCalls: [...intents].slice(0, unfinishedShown),
    unfinishedCount: intents.size,
    isIntact: findings.count() === findingsBefore,
    notes,
  };
}

/** The lines of a file, up to where an object cannot be unpacked. */
async function* wholeLines(path: string, onBroken: () => void): AsyncGenerator<FileLine> {
  try {
    yield* readLines(path);
  } catch (error) {
    if (!(error instanceof GzipBroken)) throw error;
    onBroken();
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function liesWhere(file: ChainFile, { time }: AuditRecord): boolean {
  return time.slice(0, 10) === file.date && (file.hour === undefined || time.slice(11, 13) === file.hour);
}

function partitionOf({ date, hour }: ChainFile): string {
  return hour === undefined ? `dt=${date}` : `dt=${date}/hour=${hour}`;
}

function highest(signed: SignedHashes): number {
  let seq = 0;
  for (const key of signed.keys()) seq = Math.max(seq, key);
  return seq;
}

function parseRecord(line: FileLine): AuditRecord | undefined {
  if (!line.isComplete || line.isTooLong) return undefined;
  try {
    const record = JSON.parse(line.bytes.toString('utf8'));
    const isRecord =
      record?.v === 1 &&
      Number.isSafeInteger(record.seq) &&
      record.seq > 0 &&
      [record.prev, record.writer, record.tenant, record.time, record.event, record.call_id].every(
        (member) => typeof member === 'string',
      );
    return isRecord ? record : undefined;
  } catch {
    return undefined;
  }
}

function missingRecords(from: number, to: number, of = ''): string {
  return from === to ? `Record ${from}${of} is missing` : `Records ${from} to ${to}${of} are missing`;
}
