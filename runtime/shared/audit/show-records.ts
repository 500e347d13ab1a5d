import fs from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../../contract/audit-event.ts';
import { diskReason } from './audit-files.ts';
import { listChainFiles } from './list-chain-files.ts';
import { GzipBroken, readLines } from './read-lines.ts';
import { AuditUnreadable } from './verification.ts';

export interface RecordFilter {
  readonly tenant?: string;
  readonly tool?: string;
  readonly outcome?: string;
  /** Only the newest so many, by `time`. */
  readonly last: number;
}

export interface ShownRecord {
  readonly record: AuditRecord;
  /** The line as it is in the file: ASCII. */
  readonly line: string;
}

/** The newest records that fit, oldest first. Lines that are no record are left to the verifier. Throws {@link AuditUnreadable}. */
export async function findRecords(directory: string, filter: RecordFilter): Promise<ShownRecord[]> {
  if (!fs.existsSync(join(directory, 'calls')))
    throw new AuditUnreadable(`${directory} is no audit directory: it has no calls/.`);
  try {
    let shown: ShownRecord[] = [];
    for (const { path } of listChainFiles(directory).files) {
      try {
        for await (const { bytes, isComplete, isTooLong } of readLines(join(directory, path))) {
          if (!isComplete || isTooLong) continue;
          const record = fitting(bytes, filter);
          if (record !== undefined) shown.push({ record, line: bytes.toString('latin1') });
          // Now and then, so that memory does not grow with the directory.
          if (shown.length >= 2 * filter.last + 1000) shown = newest(shown, filter.last);
        }
      } catch (error) {
        // Left to the verifier too: the other objects are shown.
        if (!(error instanceof GzipBroken)) throw error;
      }
    }
    return newest(shown, filter.last);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new AuditUnreadable(`${directory} cannot be read: ${diskReason(error)}.`, { cause: error });
  }
}

function fitting(bytes: Buffer, { tenant, tool, outcome }: RecordFilter): AuditRecord | undefined {
  let record: AuditRecord;
  try {
    record = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  const isRecord =
    typeof record?.time === 'string' && typeof record.event === 'string' && typeof record.seq === 'number';
  const fits =
    isRecord &&
    (tenant === undefined || record.tenant === tenant) &&
    (tool === undefined || record.tool === tool) &&
    (outcome === undefined || record.outcome === outcome);
  return fits ? record : undefined;
}

/** Sorting is stable: records of one chain keep their order within a millisecond. */
function newest(shown: ShownRecord[], count: number): ShownRecord[] {
  const sorted = shown.sort((a, b) => (a.record.time < b.record.time ? -1 : a.record.time > b.record.time ? 1 : 0));
  return sorted.slice(Math.max(0, sorted.length - count));
}
