import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The command line of the package. */
export const command = fileURLToPath(new URL('../../bin/toolgate.mjs', import.meta.url));
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** `npm start` as a process of its own. */
export interface Started {
  readonly child: ChildProcess;
  /** Everything on standard output and standard error so far. */
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

export function start(t: TestContext, args: readonly string[]): Started {
  const child = spawn(process.execPath, [command, 'dev', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const exit = once(child, 'close').then(([code]) => code as number | null);
  t.after(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, output: () => output, exit };
}

export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'toolgate-dev-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Resolves when the file is there; rejects when the platform ended before. */
export async function fileOf(path: string, { exit, output }: Started): Promise<string> {
  const seen = Promise.withResolvers<void>();
  const watcher = watch(join(path, '..'), () => existsSync(path) && seen.resolve());
  if (existsSync(path)) seen.resolve();
  const ended = exit.then((code) => Promise.reject(new Error(`ended with ${code}: ${output()}`)));
  try {
    await Promise.race([seen.promise, ended]);
  } finally {
    watcher.close();
    ended.catch(() => {});
  }
  return readFileSync(path, 'utf8');
}
