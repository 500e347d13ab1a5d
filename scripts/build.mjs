// npm run build: dist/, which the tarball carries and the constructs read. Nothing happens when dist/ is of these sources already.

import { createHash, randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildImages } from './build-images.mjs';
import { buildLib } from './build-lib.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const usage = `usage: npm run build [-- --force] [-- --out FOLDER]
  Writes dist/: bin, images, lambdas, lib with its types, policy, schemas. Does nothing when dist/ is of these sources already.
  --force   builds all the same
  --out     builds into FOLDER, which must not exist
  exit code 0: dist/ is of these sources; 1: a source does not build; 2: wrong usage.`;

/**
 * Builds dist/ unless it is of these sources.
 * @param options.isForced builds all the same; `options.out` is another folder, which must not exist.
 * @returns true when something was built.
 */
export async function buildDist({ isForced = false, out = join(root, 'dist') } = {}) {
  const inputs = hashInputs();
  const stamp = join(out, 'inputs.sha256');
  if (!isForced && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return false;
  // Built beside and renamed, so that nobody who reads dist/ meanwhile sees half of it.
  const work = join(root, '.build', randomUUID());
  const fresh = join(work, 'dist');
  mkdirSync(fresh, { recursive: true });
  mkdirSync(dirname(out), { recursive: true });
  try {
    await Promise.all([
      existsSync(join(root, 'lib/index.ts')) && buildLib(fresh, join(work, 'lib')),
      buildImages(fresh),
      buildCommandLine(fresh),
    ]);
    copyData(fresh);
    writeFileSync(join(fresh, 'inputs.sha256'), inputs);
    putInPlace(fresh, out, join(work, 'old'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return true;
}

function putInPlace(fresh, out, old) {
  for (let attempt = 0; ; attempt += 1) {
    if (existsSync(out)) renameSync(out, `${old}${attempt}`);
    try {
      return renameSync(fresh, out);
    } catch (error) {
      // Another build put its own there in between.
      if (error.code !== 'ENOTEMPTY' || attempt === 5) throw error;
    }
  }
}

async function buildCommandLine(out) {
  await build({
    absWorkingDir: root,
    entryPoints: ['bin/toolgate.ts'],
    outdir: join(out, 'bin'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // What the laptop platform needs stays out: a clone has it, and an auditor who verifies a record needs none of it.
    packages: 'external',
    logLevel: 'warning',
  });
}

function copyData(out) {
  const copy = (file, folder) => {
    mkdirSync(join(out, folder), { recursive: true });
    copyFileSync(join(root, file), join(out, folder, basename(file)));
  };
  for (const file of ['policies/dist/policy.wasm', 'policies/dist/build.json', 'policies/canaries.json'])
    copy(file, 'policy');
  for (const file of ['policies/data/base.json', 'policies/data/tenants.json']) copy(file, 'policy');
  for (const file of globSync('runtime/**/*.schema.json', { cwd: root })) copy(file, 'schemas');
}

/** SHA-256 over every file that a build reads; libraries by the lockfile, which says their versions. */
function hashInputs() {
  const files = globSync('{bin,lib,runtime,policies}/**/*.{ts,mjs,json,wasm}', { cwd: root });
  files.push(...globSync('scripts/{build,build-*,dockerfile,stage-lib}.mjs', { cwd: root }));
  files.push('package-lock.json', 'tsconfig.json');
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const content = readFileSync(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function printSizes(out) {
  for (const file of globSync('{images,lambdas}/*/index.mjs', { cwd: out }).sort())
    process.stdout.write(`${file.padEnd(36)} ${(statSync(join(out, file)).size / 1024).toFixed(0).padStart(6)} KiB\n`);
}

function readArguments(argv) {
  const result = { isForced: false };
  for (let i = 0; i < argv.length; i += 1) {
    if (argv[i] === '--force') result.isForced = true;
    else if (argv[i] === '--out' && argv[i + 1] !== undefined) result.out = argv[++i];
    else {
      const isAsked = argv[i] === '--help' || argv[i] === '-h';
      process.stderr.write(isAsked ? `${usage}\n` : `unknown argument ${argv[i]}\n${usage}\n`);
      process.exit(isAsked ? 0 : 2);
    }
  }
  return result;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = readArguments(process.argv.slice(2));
  const started = performance.now();
  const isBuilt = await buildDist(options).catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (isBuilt) printSizes(options.out ?? join(root, 'dist'));
  process.stdout.write(isBuilt ? `built in ${seconds} s\n` : 'dist/ is of these sources\n');
}
