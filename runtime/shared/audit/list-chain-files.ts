import fs from 'node:fs';
import { basename, join } from 'node:path';
import { datePattern, hourPattern, parseChainFileName, segmentTenant } from './audit-layout.ts';

/** A file or an object of records, by what its path says. */
export interface ChainFile {
  /** Relative to the audit directory, with `/`. */
  readonly path: string;
  readonly segment: string;
  readonly date: string;
  /** Only of an object. */
  readonly hour?: string;
  readonly writer: string;
  readonly firstSeq: number;
  /** Beginning of the SHA-256 (hex) of an object. */
  readonly sha256?: string;
  /** Bytes, when it was listed. */
  readonly size: number;
}

/** All files of records under a directory, and the paths there that are none. */
export function listChainFiles(directory: string): { files: ChainFile[]; others: string[] } {
  const files: ChainFile[] = [];
  const others: string[] = [];
  for (const tenantFolder of namesIn(join(directory, 'calls'))) {
    const segment = tenantFolder.startsWith('tenant=') ? tenantFolder.slice(7) : '';
    if (segmentTenant(segment) === undefined) {
      others.push(`calls/${tenantFolder}`);
      continue;
    }
    for (const dateFolder of namesIn(join(directory, 'calls', tenantFolder))) {
      const date = dateFolder.startsWith('dt=') ? dateFolder.slice(3) : '';
      if (!datePattern.test(date)) {
        others.push(`calls/${tenantFolder}/${dateFolder}`);
        continue;
      }
      const folder = `calls/${tenantFolder}/${dateFolder}`;
      for (const name of namesIn(join(directory, folder))) {
        const hour = name.startsWith('hour=') ? name.slice(5) : undefined;
        if (hour === undefined) take(`${folder}/${name}`, { segment, date });
        else if (!hourPattern.test(hour)) others.push(`${folder}/${name}`);
        else
          for (const object of namesIn(join(directory, folder, name)))
            take(`${folder}/${name}/${object}`, { segment, date, hour });
      }
    }
  }

  function take(path: string, place: { segment: string; date: string; hour?: string }): void {
    const file = parseChainFileName(basename(path));
    const stat = fs.lstatSync(join(directory, path));
    // An object is under its hour, a file that grows under its date.
    const isInPlace = (file?.sha256 === undefined) === (place.hour === undefined);
    if (file === undefined || !isInPlace || !stat.isFile()) others.push(path);
    else files.push({ path, ...place, ...file, size: stat.size });
  }
  return { files, others };
}

/** Sorted; none when the folder is not there. A file in place of a folder counts as one that holds nothing. */
function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
