import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

/**
 * The `bin` folder of a virtual environment with exactly the pinned packages of `{name}-requirements.txt` beside this file. Made once per list,
 * from PyPI.
 */
export async function pythonEnvironment(name: string): Promise<string> {
  const run = promisify(execFile);
  const requirements = fileURLToPath(new URL(`./${basename(name)}-requirements.txt`, import.meta.url));
  const folder = join(cache, `${name}-${hash('sha256', readFileSync(requirements)).slice(0, 12)}`);
  const bin = join(folder, 'bin');
  // Written last, so that an installation that was cut off is made anew.
  const marker = join(folder, 'complete');
  if (existsSync(marker)) return bin;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  await run('python3', ['-m', 'venv', folder]);
  const options = ['--quiet', '--no-deps', '--only-binary', ':all:', '-r', requirements];
  await run(join(bin, 'python'), ['-m', 'pip', 'install', ...options]);
  writeFileSync(marker, '');
  return bin;
}
