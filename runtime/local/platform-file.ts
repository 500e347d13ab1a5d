import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Platform } from './start-platform.ts';

/** What other commands and scripts read of a running platform: `platform.json` in its state folder, and the ready file. */
export function describePlatform({ endpoint, issuer, approvals, cards, servers, users }: Platform): string {
  return `${JSON.stringify({ endpoint, issuer, approvals, cards, servers, users, pid: process.pid }, null, 2)}\n`;
}

/** Written whole or not at all, so that whoever waits for the file never reads half of it. */
export function writePlatformFile(path: string, platform: Platform): void {
  const partial = `${path}.partial-${process.pid}`;
  try {
    writeFileSync(partial, describePlatform(platform));
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
