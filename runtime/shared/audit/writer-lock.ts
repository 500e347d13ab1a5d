import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { hostname } from 'node:os';
import { errorCode } from './audit-files.ts';

/** Who writes. A pid alone is given to another program sooner or later; with its start time it names one process. */
interface LockHolder {
  readonly pid: number;
  readonly started: string;
  readonly host: string;
  readonly nonce: string;
}

export interface WriterLock {
  /** Throws when another process took the lock over; makes it anew when it is gone. */
  ensure(): void;
  release(): void;
}

const takingOverMsMax = 10_000;

/** Takes the writer's lock. Throws a sentence when a live process holds it, or one on another machine, which cannot be asked. */
export function takeWriterLock(path: string, writer: string): WriterLock {
  const own: LockHolder = {
    pid: process.pid,
    started: startTime(process.pid) ?? 'unknown',
    host: hostname(),
    nonce: randomBytes(8).toString('hex'),
  };
  if (!create(path, own)) takeOver(path, own, writer);
  return {
    ensure() {
      const holder = readHolder(path);
      if (holder?.nonce === own.nonce) return;
      if (holder === undefined && create(path, own)) return;
      throw new Error(`another process took over the audit writer "${writer}"`);
    },
    release() {
      if (readHolder(path)?.nonce === own.nonce) fs.rmSync(path, { force: true });
    },
  };
}

function takeOver(path: string, own: LockHolder, writer: string): void {
  // Two processes that both find the lock stale must not both have it.
  const turnstile = `${path}.taking-over`;
  const since = fs.statSync(turnstile, { throwIfNoEntry: false })?.mtimeMs;
  if (since !== undefined && Date.now() - since > takingOverMsMax) fs.rmSync(turnstile, { force: true });
  if (!create(turnstile, own)) throw new Error(`Another process is just taking over the audit writer "${writer}".`);
  try {
    const holder = readHolder(path);
    if (holder !== undefined && holder.host !== own.host)
      throw new Error(
        `The audit writer "${writer}" is locked by process ${holder.pid} on ${holder.host}, which cannot be asked from here. If it is gone, delete ${path}.`,
      );
    if (holder !== undefined && isRunning(holder))
      throw new Error(
        `The audit writer "${writer}" is in use by process ${holder.pid}. Stop it, or give this one another writer name.`,
      );
    fs.rmSync(path, { force: true });
    if (!create(path, own)) throw new Error(`Another process has just taken the audit writer "${writer}".`);
  } finally {
    fs.rmSync(turnstile, { force: true });
  }
}

function create(path: string, holder: LockHolder): boolean {
  const beside = `${path}.${holder.nonce}`;
  fs.writeFileSync(beside, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  try {
    // A link appears with its content: nobody reads a half-written lock.
    fs.linkSync(beside, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(beside, { force: true });
  }
}

function readHolder(path: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(fs.readFileSync(path, 'utf8'));
    return typeof holder.pid === 'number' && typeof holder.nonce === 'string' ? holder : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isRunning({ pid, started }: LockHolder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
  }
  const now = startTime(pid);
  // A start time that cannot be had proves nothing, and two writers of one chain would be worse than a refusal.
  return now === undefined || started === 'unknown' || now === started;
}

/** Linux: boot id and clock ticks since boot (proc(5), field 22). Elsewhere what ps says. */
function startTime(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
      // The name in parentheses may hold spaces and parentheses itself.
      const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
      return `${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}/${ticks}`;
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'latin1', timeout: 5000 }).trim();
  } catch {
    return undefined;
  }
}
