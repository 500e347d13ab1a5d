// npm run policy:build: Rego -> policies/dist.   npm run policy:verify: is policies/dist what the sources build?
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  buildArguments,
  dist,
  entrypoints,
  findOpa,
  GoMissing,
  hashJson,
  hashSources,
  makeCapabilities,
  root,
  run,
  sha256,
  versions,
} from './policy-opa.mjs';

const usage = `usage: npm run policy:build | npm run policy:verify   (node scripts/policy-build.mjs [--verify])
  Compiles policies/mcp with the opa that tools/opa/go.mod pins, into policies/dist/policy.wasm and build.json, and writes
  policies/capabilities.json, the list of what a policy may call. The first run builds opa, which takes a minute or two.
  --verify  builds again and compares byte by byte with what is committed; writes nothing
  exit code 0: built, or equal; 1: it differs or the build failed; 2: wrong usage; 3: there is no Go on this machine.`;

const capabilities = join(root, 'policies/capabilities.json');
process.exitCode = main(process.argv.slice(2));

function main(argv) {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const unknown = argv.find((argument) => argument !== '--verify');
  if (unknown !== undefined) {
    process.stderr.write(`unknown argument ${unknown}\n${usage}\n`);
    return 2;
  }
  try {
    return argv.includes('--verify') ? verify() : build();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return error instanceof GoMissing ? 3 : 1;
  }
}

function build() {
  const opa = findOpa();
  writeFileSync(capabilities, `${JSON.stringify(makeCapabilities(opa), null, 2)}\n`);
  // Biome's layout is what is committed; without Biome the file is right all the same.
  spawnSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', capabilities], { stdio: 'ignore' });
  const wasm = compile(opa);
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, 'policy.wasm'), wasm);
  const description = describe(wasm);
  writeFileSync(join(dist, 'build.json'), `${JSON.stringify(description, null, 2)}\n`);
  process.stdout.write(
    `policies/dist/policy.wasm: ${wasm.length} bytes, sha256 ${description.wasm_sha256}, opa ${description.opa_version}\n`,
  );
  return 0;
}

function verify() {
  const opa = findOpa();
  const differences = [];
  if (hashJson(readFileSync(capabilities, 'utf8')) !== hashJson(JSON.stringify(makeCapabilities(opa)))) {
    differences.push('policies/capabilities.json is not what this opa can do in Wasm');
  }
  const wasm = compile(opa);
  if (!wasm.equals(readFileSync(join(dist, 'policy.wasm')))) {
    differences.push('policies/dist/policy.wasm is not what the sources build');
  }
  const { go_version, ...committed } = JSON.parse(readFileSync(join(dist, 'build.json'), 'utf8'));
  // Another Go may build the same opa, and that opa the same bytes.
  const { go_version: _, ...rebuilt } = describe(wasm);
  if (JSON.stringify(committed) !== JSON.stringify(rebuilt)) {
    differences.push('policies/dist/build.json does not describe this build');
  }
  for (const difference of differences) process.stderr.write(`${difference}; run "npm run policy:build" and commit.\n`);
  if (differences.length === 0) {
    process.stdout.write(`policies/dist is what the sources build, byte by byte (committed with ${go_version}).\n`);
  }
  return differences.length === 0 ? 0 : 1;
}

function compile(opa) {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-policy-'));
  try {
    const bundle = join(folder, 'bundle.tar.gz');
    const [command, ...rest] = buildArguments;
    run(opa, [command, `--output=${bundle}`, ...rest]);
    return fileInTar(gunzipSync(readFileSync(bundle)), '/policy.wasm');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(wasm) {
  return {
    ...versions(),
    args: buildArguments,
    sources: hashSources(),
    capabilities_sha256: hashJson(readFileSync(capabilities, 'utf8')),
    wasm_sha256: sha256(wasm),
    entrypoints,
  };
}

/** One file of a tar archive as opa writes it: POSIX ustar, header and body in blocks of 512 bytes. */
function fileInTar(tar, name) {
  const text = (start, length) => tar.toString('latin1', start, start + length).split('\0', 1)[0];
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    if (text(at, 100) === name) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`the bundle that opa built holds no ${name}`);
}
