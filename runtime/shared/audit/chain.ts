import { mkdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AuditRecord } from '../../contract/audit-event.ts';
import type { Logger } from '../logger.ts';
import { type AuditFiles, errorCode } from './audit-files.ts';
import { chainFileName, chainFilePath } from './audit-layout.ts';
import type { EncodedEvent } from './encode-event.ts';
import type { HeadSlots } from './head-slots.ts';
import { type ChainHead, placeRecords } from './place-records.ts';

/** An event on its way into a chain. */
export interface ChainEntry {
  readonly encoded: EncodedEvent;
  /** Called once the record is durable. */
  readonly done: (record: AuditRecord, hash: string) => void;
}

/** Where a chain stands: what its next record links to, and the file that may take it. */
export interface ChainState extends ChainHead {
  readonly file?: { readonly path: string; readonly date: string; readonly bytes: number };
}

/** The records of one tenant by one writer. One append at a time. */
export interface Chain {
  readonly segment: string;
  readonly head: () => ChainHead;
  /**
   * Writes the entries in order and calls `done` of each that is durable. Rejects with what went wrong at the first that is not:
   * then it and all after it are not in the chain, and the next append mends the file first.
   */
  append(entries: readonly ChainEntry[]): Promise<void>;
  /** Gives the file descriptor back until the next append. */
  release(): Promise<void>;
}

export interface ChainOptions {
  readonly directory: string;
  readonly writer: string;
  readonly segment: string;
  readonly files: AuditFiles;
  readonly slots: HeadSlots;
  readonly logger: Logger;
  /** A file that has reached this is followed by a new one. */
  readonly fileBytesMax: number;
  /** Throws when the audit directory is not the one that was opened. */
  readonly checkDirectory: () => void;
}

interface ChainFile {
  /** Relative to the audit directory. */
  readonly path: string;
  readonly date: string;
  /** Durable and acknowledged; what lies beyond is cut off before the next write. */
  bytes: number;
  ino: number | undefined;
  fd: number | undefined;
  isDirty: boolean;
}

export function createChain(options: ChainOptions, start: ChainState): Chain {
  const { directory, writer, segment, files, slots, logger } = options;
  let head: ChainHead = { seq: start.seq, hash: start.hash };
  let file: ChainFile | undefined = start.file && { ...start.file, ino: undefined, fd: undefined, isDirty: true };

  async function append(entries: readonly ChainEntry[]): Promise<void> {
    for (let from = 0; from < entries.length; ) {
      const date = (entries[from] as ChainEntry).encoded.date;
      let to = from + 1;
      while (entries[to]?.encoded.date === date) to += 1;
      await appendToFile(await usableFile(date), entries.slice(from, to));
      from = to;
    }
  }

  async function appendToFile(to: ChainFile & { fd: number }, entries: readonly ChainEntry[]): Promise<void> {
    const { bytes, head: next, placed } = placeRecords(writer, head, entries);
    const end = to.bytes + bytes.length;
    to.isDirty = true;
    await files.write(to.fd, bytes);
    // A file that was removed or replaced takes bytes as happily as one that is there.
    const seen = files.look(join(directory, to.path));
    if (seen === undefined || seen.ino !== to.ino) throw gone(to.path);
    if (seen.bytes !== end) throw new Error(`${to.path} was changed by someone else`);
    slots.store(segment, { ...next, file: to.path, bytes: end });
    to.bytes = end;
    to.isDirty = false;
    head = next;
    for (const { entry, record, hash } of placed) entry.done(record(), hash);
  }

  async function usableFile(date: string): Promise<ChainFile & { fd: number }> {
    if (file?.isDirty === true) await mend(file);
    if (file !== undefined && (file.date !== date || file.bytes >= options.fileBytesMax)) await forget();
    file ??= await startFile(date);
    return file as ChainFile & { fd: number };
  }

  /** Cuts off what an append left that failed. A file that is gone or shorter than what was acknowledged stays as it is, for the verifier. */
  async function mend(dirty: ChainFile): Promise<void> {
    options.checkDirectory();
    const path = join(directory, dirty.path);
    const seen = files.look(path);
    if (seen === undefined || seen.bytes < dirty.bytes || (dirty.ino ?? seen.ino) !== seen.ino) {
      logger.error(
        { file: dirty.path },
        'an audit file was removed, replaced or cut by someone else; a new one goes on',
      );
      return forget();
    }
    if (dirty.fd === undefined) {
      dirty.fd = await files.open(path, 'existing');
      dirty.ino = seen.ino;
    }
    if (seen.bytes > dirty.bytes) await files.truncate(dirty.fd, dirty.bytes);
    dirty.isDirty = false;
  }

  async function startFile(date: string): Promise<ChainFile> {
    options.checkDirectory();
    const relative = chainFilePath(segment, date, chainFileName(writer, head.seq + 1));
    const path = join(directory, relative);
    const fd = await files.open(path, 'create').catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
      // Nothing acknowledged can be in it: its name says that it starts with the record that comes now.
      if (files.look(path)?.bytes !== 0) moveAside(path);
      return files.look(path) === undefined ? files.open(path, 'create') : files.open(path, 'existing');
    });
    const ino = files.look(path)?.ino;
    return { path: relative, date, bytes: 0, ino, fd, isDirty: false };
  }

  function moveAside(path: string): void {
    const folder = join(directory, 'torn', segment);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    renameSync(path, join(folder, `${basename(dirname(path))}-${basename(path)}-${process.hrtime.bigint()}`));
  }

  async function release(): Promise<void> {
    if (file?.fd === undefined) return;
    const { fd } = file;
    file.fd = undefined;
    // Looked at again before the next write: it may be another file by then.
    file.isDirty = true;
    await files.close(fd);
  }

  async function forget(): Promise<void> {
    const old = file;
    file = undefined;
    // Its bytes are on the disk already; an error of close(2) changes nothing.
    if (old?.fd !== undefined) await files.close(old.fd).catch(() => undefined);
  }

  return { segment, head: () => head, append, release };
}

function gone(path: string): Error {
  return Object.assign(new Error(`${path} is gone`), { code: 'ENOENT' });
}
