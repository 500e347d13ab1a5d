import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isOpenToOthers } from './postgres-binaries.ts';
import { StartError } from './start-error.ts';

/** Accounts of the database: its owner, who seeds it, and the two that tools use. */
export type PostgresRole = 'owner' | 'reader' | 'writer';

/** PostgreSQL refuses to run as root, so root's database runs as `nobody`. Undefined: as whoever we are. */
export interface PostgresAccount {
  readonly uid: number;
  readonly gid: number;
}

/** A folder with a database, and the passwords to it. */
export interface Cluster {
  /** Holds `data` and, when they had to be copied, the programs. */
  readonly home: string;
  readonly data: string;
  readonly account: PostgresAccount | undefined;
  readonly passwords: Readonly<Record<PostgresRole, string>>;
  /** The first start went through: the database is there and seeded. */
  readonly isComplete: boolean;
  markComplete(): void;
}

/**
 * Opens the folder of a database, making it when it is new. Throws {@link StartError} when an earlier first start did not finish or the
 * folder cannot be used.
 */
export function openCluster(stateDir: string): Cluster {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const account = accountForRoot();
  const home = account === undefined ? realpathSync(stateDir) : homeFor(stateDir, account);
  const data = join(home, 'data');
  const secrets = join(stateDir, 'passwords.json');
  const marker = join(stateDir, 'complete');
  const isComplete = existsSync(marker);
  if (isComplete && !(existsSync(secrets) && existsSync(join(data, 'PG_VERSION')))) {
    throw new StartError(
      `The database in ${data} or its passwords in ${stateDir} are gone: delete ${stateDir} and start again with an empty database.`,
    );
  }
  if (!isComplete && existsSync(secrets)) {
    throw new StartError(
      `The database in ${stateDir} is half-written, because an earlier first start did not finish: delete ${stateDir} and start again.`,
    );
  }
  if (!isComplete) {
    if (account === undefined && existsSync(data)) {
      throw new StartError(`The folder ${data} is not a database of Toolgate: choose another folder with --state DIR.`);
    }
    // Outside the state folder: what a deleted one left behind.
    rmSync(data, { recursive: true, force: true });
    writeSecret(secrets, JSON.stringify({ owner: secret(), reader: secret(), writer: secret() }));
  }
  return {
    home,
    data,
    account,
    passwords: readPasswords(secrets, stateDir),
    isComplete,
    markComplete: () => writeFileSync(marker, ''),
  };
}

/**
 * Ends a postgres that a killed Toolgate left behind in this folder. Throws {@link StartError} when it cannot be ended: two servers on
 * one folder would destroy it.
 */
export async function stopLeftover({ data }: Pick<Cluster, 'data'>): Promise<void> {
  const pid = readPostmaster(data)?.pid;
  if (pid === undefined || !isPostgresOf(pid, data)) return;
  for (const [signal, timeoutMs] of [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      break;
    }
    const until = performance.now() + timeoutMs;
    while (performance.now() < until) {
      if (!isPostgresOf(pid, data)) return;
      await delay(20);
    }
  }
  throw new StartError(
    `Another PostgreSQL (process ${pid}) runs in ${data} and does not stop: end it, then start again.`,
  );
}

/** What `postmaster.pid` says; undefined when there is none or it is not whole. */
export function readPostmaster(data: string): { pid: number; isReady: boolean } | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return Number.isInteger(pid) && pid > 0 ? { pid, isReady: lines[7]?.trim() === 'ready' } : undefined;
  } catch {
    return undefined;
  }
}

/** The pid may belong to another program since; only a postgres with this very folder counts. */
function isPostgresOf(pid: number, data: string): boolean {
  try {
    const command = existsSync('/proc/self/cmdline')
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes('postgres') && command.includes(data);
  } catch {
    return false;
  }
}

function accountForRoot(): PostgresAccount | undefined {
  if (process.platform === 'win32') throw new StartError('PostgreSQL is not started on Windows: use WSL 2.');
  if (process.geteuid?.() !== 0) return undefined;
  try {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' })));
    if (uid === undefined || gid === undefined || !(uid > 0 && gid > 0)) throw new Error('nobody has no usable id');
    return { uid, gid };
  } catch (cause) {
    throw new StartError(
      'PostgreSQL refuses to run as root and there is no account "nobody" to run it as: start Toolgate as another user.',
      { cause },
    );
  }
}

/**
 * State folders are closed to others, and `nobody` could not even walk into one; opening ours would open what else is in it. So root's
 * database has a folder of its own, found again by the path of the state folder.
 */
function homeFor(stateDir: string, { uid, gid }: PostgresAccount): string {
  const path = realpathSync(stateDir);
  const inside = join(path, 'cluster');
  const home = isOpenToOthers(path)
    ? inside
    : join(outsideFolder, `${outsideName}${createHash('sha256').update(path).digest('hex').slice(0, 16)}`);
  if (home !== inside) removeOrphans(uid);
  try {
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, ownerFile), path);
    chownSync(home, uid, gid);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new StartError(`The folder ${home} for the database cannot be made: ${String(cause)}.`, { cause });
    }
    const found = lstatSync(home);
    // Anybody may write into /var/tmp: a folder that somebody else laid there is not ours.
    if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
      throw new StartError(`The folder ${home} is not Toolgate's: delete it and start again.`);
    }
  }
  return home;
}

const outsideFolder = '/var/tmp';
const outsideName = 'toolgate-postgres-';
/** Holds the path of the state folder that a database outside of it belongs to. */
const ownerFile = 'state-folder';

/** Removes databases whose state folder is gone: nobody could open them again, for the passwords went with it. */
function removeOrphans(uid: number): void {
  for (const name of readdirSync(outsideFolder)) {
    const home = join(outsideFolder, name);
    try {
      if (!name.startsWith(outsideName) || lstatSync(home).uid !== uid) continue;
      const owner = readFileSync(join(home, ownerFile), 'utf8');
      const data = join(home, 'data');
      const pid = readPostmaster(data)?.pid;
      const isInUse = existsSync(owner) || (pid !== undefined && isPostgresOf(pid, data));
      // A folder that was moved, or whose disk is away, may come back; one for temporary files does not.
      const isTemporary = owner.startsWith(`${realpathSync(tmpdir())}${sep}`);
      if (!isInUse && isTemporary) rmSync(home, { recursive: true, force: true });
    } catch {
      // Another start was faster, or it is not whole: left alone.
    }
  }
}

function readPasswords(file: string, stateDir: string): Record<PostgresRole, string> {
  try {
    const { owner, reader, writer } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    for (const password of [owner, reader, writer]) {
      if (typeof password !== 'string' || !/^[\w-]{32,}$/.test(password)) throw new Error('a password is missing');
    }
    return { owner, reader, writer } as Record<PostgresRole, string>;
  } catch (cause) {
    throw new StartError(
      `The passwords in ${file} cannot be read: delete ${stateDir} and start again with an empty database.`,
      { cause },
    );
  }
}

/** Readable by us alone. */
export function writeSecret(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}

function secret(): string {
  return randomBytes(24).toString('base64url');
}
