import fs from 'node:fs';
import { dirname } from 'node:path';

/** What the audit writer asks of a file system on the way of a call. Made of functions, so that a test can make a disk full, slow or gone. */
export interface AuditFiles {
  /** Opens for writing; `create` fails with EEXIST when the file is there, and its folders are made. */
  open(path: string, how: 'create' | 'existing'): Promise<number>;
  /** Writes all bytes at the end of the file, wherever that is, and resolves once they are on the disk. */
  write(fd: number, bytes: Uint8Array): Promise<void>;
  /** What is at a path now; undefined when nothing is. */
  look(path: string): { readonly ino: number; readonly dev: number; readonly bytes: number } | undefined;
  /** Cuts to a length, on the disk. */
  truncate(fd: number, bytes: number): Promise<void>;
  /** Writes into the page cache: survives the process, not the power. */
  writeCached(fd: number, bytes: Uint8Array, position: number): void;
  close(fd: number): Promise<void>;
}

/** O_DSYNC makes write and fdatasync one step of the thread pool. macOS ignores the disk's cache then; there fdatasync (F_FULLFSYNC) follows. */
const isSyncedByWrite = process.platform === 'linux';
const openFlags = fs.constants.O_WRONLY | fs.constants.O_APPEND | (isSyncedByWrite ? fs.constants.O_DSYNC : 0);

export const localFiles: AuditFiles = {
  async open(path, how) {
    if (how === 'existing') return openFile(path, openFlags);
    const flags = openFlags | fs.constants.O_CREAT | fs.constants.O_EXCL;
    let firstMade: string | undefined;
    const fd = await openFile(path, flags).catch(async (error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
      firstMade = await fs.promises.mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return openFile(path, flags);
    });
    // The names too must be on the disk: fsync(2) of a file does not promise its entry in the folder.
    await syncFolders(dirname(path), firstMade === undefined ? dirname(path) : dirname(firstMade));
    return fd;
  },
  async write(fd, bytes) {
    let written = 0;
    while (written < bytes.length) {
      written += await new Promise<number>((resolve, reject) =>
        fs.write(fd, bytes, written, bytes.length - written, null, (error, count) =>
          error ? reject(error) : resolve(count),
        ),
      );
    }
    if (!isSyncedByWrite) await settle((done) => fs.fdatasync(fd, done));
  },
  look(path) {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    return stat && { ino: stat.ino, dev: stat.dev, bytes: stat.size };
  },
  async truncate(fd, bytes) {
    await settle((done) => fs.ftruncate(fd, bytes, done));
    await settle((done) => fs.fsync(fd, done));
  },
  writeCached(fd, bytes, position) {
    const written = fs.writeSync(fd, bytes, 0, bytes.length, position);
    if (written !== bytes.length) throw Object.assign(new Error('a head was written in part'), { code: 'ENOSPC' });
  },
  close: (fd) => settle((done) => fs.close(fd, done)),
};

export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}

/** What is wrong with the disk, in words. */
export function diskReason(error: unknown): string {
  const known: Readonly<Record<string, string>> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    EFBIG: 'the file is larger than the system allows',
    EIO: 'the disk reports an error',
    ENOENT: 'a file or folder is gone',
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'it is a file',
    EISDIR: 'it is a folder',
    EMFILE: 'too many open files',
  };
  const code = errorCode(error);
  if (code !== undefined) return known[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}

function openFile(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) =>
    fs.open(path, flags, 0o600, (error, fd) => (error ? reject(error) : resolve(fd))),
  );
}

function settle(operation: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => operation((error) => (error ? reject(error) : resolve())));
}

async function syncFolders(from: string, upTo: string): Promise<void> {
  for (let folder = from; folder.length >= upTo.length; folder = dirname(folder)) {
    const handle = await fs.promises.open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (folder === dirname(folder)) return;
  }
}
