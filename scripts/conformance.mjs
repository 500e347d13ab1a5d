// npm run conformance: the official MCP conformance suite against the platform on this machine.
// Plain JavaScript, because it may run on the host's Node before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './ensure-installed.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
ensureInstalled(root);
// The suite is a few hundred packages: nobody who only asks for help waits for them.
if (!process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h'))
  ensureInstalled(join(root, 'test', 'peers'));
const pinned = join(root, 'node_modules', '.bin', 'node');
const run = spawnSync(
  existsSync(pinned) ? pinned : process.execPath,
  [join(root, 'test', 'support', 'conformance-command.ts'), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
if (run.error) {
  process.stderr.write(`The suite could not be started: ${run.error.message}.\n`);
  process.exit(1);
}
process.exit(run.status ?? 1);
