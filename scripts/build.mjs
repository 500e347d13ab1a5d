// What the tarball holds: the command line as one file, and the published schemas. Runs before every npm pack.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

await build({
  entryPoints: [join(root, 'bin/toolgate.ts')],
  outdir: join(dist, 'bin'),
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // What the laptop platform needs stays out: a clone has it, and an auditor who verifies a record needs none of it.
  packages: 'external',
  logLevel: 'warning',
});

mkdirSync(join(dist, 'schemas'), { recursive: true });
for (const schema of [
  'runtime/contract/capability-manifest.schema.json',
  'runtime/shared/audit/audit-record.schema.json',
]) {
  copyFileSync(join(root, schema), join(dist, 'schemas', basename(schema)));
}
