// The real opa and Regal, out of the pinned Go modules in tools, and what both building and verifying know of a build.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const entrypoints = ['mcp/authz/decision', 'mcp/authz/visible', 'mcp/quota/decision', 'mcp/approval/decision'];
export const dist = join(root, 'policies/dist');
const module = 'github.com/open-policy-agent/opa';

/** The flags of `opa build`, without the output file. Paths are relative to the root, so that a build is the same everywhere. */
export const buildArguments = [
  'build',
  '--target=wasm',
  '--capabilities=policies/capabilities.json',
  '--ignore=*_test.rego',
  ...entrypoints.map((entrypoint) => `--entrypoint=${entrypoint}`),
  'policies/mcp',
];

/** Thrown when there is no Go: the one thing that a person has to bring. */
export class GoMissing extends Error {}

/** Path of the pinned opa; Go builds it once (about a minute) and keeps it in its build cache. */
export function findOpa() {
  return findTool('opa');
}

/** Path of the pinned Regal, which lints policies; built and kept the same way. */
export function findRegal() {
  return findTool('regal');
}

function findTool(name) {
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).error !== undefined) {
    throw new GoMissing(
      'Compiling and linting policies needs Go, and there is no "go" on the PATH: install Go 1.26 or later (https://go.dev/dl) and run this again. Everything else works without it.',
    );
  }
  return go(['tool', '-n', name], name).trim();
}

/** Versions of what builds: opa's module and Go itself. */
export function versions() {
  return {
    opa_version: go(['list', '-m', '-f', '{{.Version}}', module]).trim(),
    go_version: go(['env', 'GOVERSION']).trim(),
  };
}

/**
 * What opa of this version can do inside Wasm, and nothing else: a builtin that Wasm lacks is then an error of the build and
 * not of a call. opa's module says of each builtin whether Wasm has it.
 */
export function makeCapabilities(opa) {
  const { builtins, features, future_keywords } = JSON.parse(run(opa, ['capabilities', '--current']));
  const folder = go(['list', '-m', '-f', '{{.Dir}}', module]).trim();
  const metadata = JSON.parse(readFileSync(join(folder, 'builtin_metadata.json'), 'utf8'));
  // The JavaScript stand-ins of the npm package throw on a wrong type (sprintf) and backtrack for seconds (regex.split).
  const banned = new Set(['sprintf', 'regex.split']);
  const native = builtins.filter(({ name }) => metadata[name]?.wasm === true && !banned.has(name));
  return {
    builtins: native.map(({ description: _, categories: __, ...builtin }) => builtin),
    features,
    future_keywords,
    allow_net: [],
  };
}

/** SHA-256 of a JSON file's value: Biome may lay the file out as it likes. */
export function hashJson(text) {
  return sha256(JSON.stringify(JSON.parse(text)));
}

/** SHA-256 of every file that is compiled, by path, with line ends normalised. */
export function hashSources(folder = root) {
  const files = globSync('policies/mcp/**/*.rego', { cwd: folder })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.endsWith('_test.rego'))
    .sort();
  const hash = (file) => sha256(readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n'));
  return Object.fromEntries(files.map((file) => [file, hash(file)]));
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Runs a program in the root and returns what it printed; throws with what it said when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    const said = `${result.stderr}${result.stdout}`.trim();
    throw new Error(`"${[command.split('/').at(-1), ...args].join(' ')}" failed: ${said}`);
  }
  return result.stdout;
}

function go(args, tool = 'opa') {
  return run('go', args, { cwd: join(root, 'tools', tool) });
}
