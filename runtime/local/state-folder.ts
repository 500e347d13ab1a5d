import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { diskReason } from '../shared/audit/audit-files.ts';
import { StartError } from './start-error.ts';

/** Where the laptop platform keeps everything; one running platform a folder. */
export interface StateFolder {
  readonly path: string;
  /** A path inside. */
  inside(...parts: string[]): string;
  /** Says that the first start went through; without it the next start calls the folder half-written. */
  markComplete(): void;
  /** Gives the folder back. A first start that never completed takes what it wrote with it. */
  release(): void;
}

const formatVersion = 2;

/**
 * Takes the folder for this process, making it when it is not there. Throws {@link StartError} when it cannot be written, when
 * another platform runs in it, when it holds somebody else's files, or when an earlier first start did not finish.
 */
export function takeStateFolder(folder: string): StateFolder {
  const path = resolve(folder);
  const inside = (...parts: string[]) => join(path, ...parts);
  try {
    makeFolder(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new StartError(
      `The state folder ${path} cannot be written: ${diskReason(cause)}. Choose another with --state DIR.`,
      { cause },
    );
  }
  const marker = inside('state.json');
  const starting = inside('starting');
  const runningPid = readPid(inside('running.pid'));
  if (runningPid !== undefined && runningPid !== process.pid && isAlive(runningPid)) {
    throw new StartError(
      `Another Toolgate (process ${runningPid}) runs in ${path}. Stop it, or choose another folder with --state DIR; if that process is something else, delete running.pid there.`,
    );
  }
  if (existsSync(marker)) {
    const version = readVersion(marker);
    if (version !== formatVersion) {
      throw new StartError(
        `The state folder ${path} ${version === undefined ? 'has an unreadable state.json' : `is of format ${version}, this version reads ${formatVersion}`}. Delete the folder to start anew, or choose another with --state DIR.`,
      );
    }
  } else if (existsSync(starting)) {
    throw new StartError(
      `The state folder ${path} is half-written: an earlier first start did not finish. Delete the folder and start again.`,
    );
  } else if (readdirSync(path).some((name) => name !== 'running.pid')) {
    throw new StartError(
      `The folder ${path} holds files that are not Toolgate's. Choose an empty or a new one with --state DIR.`,
    );
  }
  try {
    if (!existsSync(marker)) writeFileSync(starting, '');
    writeFileSync(inside('running.pid'), `${process.pid}\n`);
  } catch (cause) {
    throw new StartError(
      `The state folder ${path} cannot be written: ${diskReason(cause)}. Choose another with --state DIR.`,
      { cause },
    );
  }
  return {
    path,
    inside,
    markComplete() {
      writeFileSync(marker, `${JSON.stringify({ format: formatVersion })}\n`);
      rmSync(starting, { force: true });
    },
    release() {
      rmSync(inside('running.pid'), { force: true });
      if (!existsSync(starting)) return;
      // The folder was empty when it was taken, so everything in it is ours.
      for (const name of readdirSync(path)) rmSync(inside(name), { recursive: true, force: true });
    },
  };
}

function readVersion(marker: string): number | undefined {
  try {
    const { format } = JSON.parse(readFileSync(marker, 'utf8')) as { format?: unknown };
    return typeof format === 'number' ? format : undefined;
  } catch {
    return undefined;
  }
}

function readPid(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8'));
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/** A process that we may not signal is alive too. A pid that another program took since would be misread, which errs on the safe side. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Makes the folder and those above it. Not by Node's `recursive`, which asks again for ever where a parent is there and takes no
 * folder, below /proc for one.
 */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}
