import fs from 'node:fs';
import { join } from 'node:path';
import { datePattern, parseChainFileName, segmentTenant } from './audit-layout.ts';

/** A file of records, by what its path says. */
export interface ChainFile {
  /** Relative to the audit directory, with `/`. */
  readonly path: string;
  readonly segment: string;
  readonly date: string;
  readonly writer: string;
  readonly firstSeq: number;
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
      for (const name of namesIn(join(directory, 'calls', tenantFolder, dateFolder))) {
        const path = `calls/${tenantFolder}/${dateFolder}/${name}`;
        const file = parseChainFileName(name);
        const stat = fs.lstatSync(join(directory, path));
        if (file === undefined || !stat.isFile()) others.push(path);
        else files.push({ path, segment, date, ...file, size: stat.size });
      }
    }
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
