// Plain JavaScript without dependencies: it runs on the host's Node before anything is installed.
// usage: node scripts/ensure-installed.mjs [folder]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export function ensureInstalled(folder) {
  const lock = join(folder, 'package-lock.json');
  const stamp = join(folder, 'node_modules', '.installed-lock-sha256');
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write(`Installing packages in ${folder} (once, about a minute) ...\n`);
  // Without npm_config_* of an outer npm run, which would point npm at the outer package.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(config_local_prefix|package_)/.test(name)),
  );
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const run = spawnSync(npm, ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    env,
  });
  if (run.error) fail(`npm could not be started (${run.error.message}). Install Node.js 20 or later with npm.`);
  if (run.status !== 0) fail(`npm ci failed in ${folder}. The lines above say why; run it again once that is mended.`);
  writeFileSync(stamp, wanted);
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) fail(`Node.js ${process.versions.node} is too old to install Toolgate: use 20 or later.`);
  ensureInstalled(resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))));
}
