import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildArguments, dist, entrypoints, hashJson, hashSources, root, sha256 } from '../../scripts/policy-opa.mjs';

const build = JSON.parse(readFileSync(join(dist, 'build.json'), 'utf8'));
const sources = globSync('policies/mcp/**/*.rego', { cwd: root }).filter((file) => !file.endsWith('_test.rego'));

test('the committed Wasm is the one that build.json describes', () => {
  assert.equal(sha256(readFileSync(join(dist, 'policy.wasm'))), build.wasm_sha256);
  assert.equal(hashJson(readFileSync(join(root, 'policies/capabilities.json'), 'utf8')), build.capabilities_sha256);
  assert.deepEqual(build.args, buildArguments);
  assert.deepEqual(build.entrypoints, entrypoints);
});

test('the committed Wasm was built from the policies as they are', () => {
  assert.deepEqual(
    build.sources,
    hashSources(),
    'a policy changed: run "npm run policy:build" and commit policies/dist',
  );
});

test('a changed, a new and a removed policy would be seen, another line end would not', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-sources-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(root, 'policies/mcp'), join(folder, 'policies/mcp'), { recursive: true });
  const file = join(folder, 'policies/mcp/quota/quota.rego');
  const text = readFileSync(file, 'utf8');
  assert.deepEqual(hashSources(folder), build.sources);
  writeFileSync(file, text.replaceAll('\n', '\r\n'));
  assert.deepEqual(hashSources(folder), build.sources);
  writeFileSync(file, text.replace('default allow := false', 'default allow := true'));
  assert.notDeepEqual(hashSources(folder), build.sources);
  rmSync(file);
  assert.notDeepEqual(hashSources(folder), build.sources);
  writeFileSync(file, text);
  writeFileSync(join(folder, 'policies/mcp/quota/extra.rego'), 'package mcp.quota\n');
  assert.notDeepEqual(hashSources(folder), build.sources);
});

test('no policy may call what Wasm lacks or what npm replaces badly', () => {
  const { builtins, features } = JSON.parse(readFileSync(join(root, 'policies/capabilities.json'), 'utf8'));
  const names = new Set(builtins.map(({ name }: { name: string }) => name));
  for (const banned of [
    'sprintf',
    'regex.split',
    'http.send',
    'time.now_ns',
    'opa.runtime',
    'io.jwt.decode',
    'print',
  ]) {
    assert.ok(!names.has(banned), `${banned} is not to be had`);
  }
  for (const needed of ['eq', 'count', 'object.get', 'regex.match']) assert.ok(names.has(needed), needed);
  assert.ok(features.includes('rego_v1'));
});

// A call's arguments are looked up outside the `not`: with a missing field the denial is undefined, and nothing denies.
test('no rule asks "not f(input.x)"', () => {
  const asks = (line: string) => /\bnot\s(?!input(\.\w+)*\s*$).*\b(input|data\.base)\b/.test(line);
  for (const line of [
    'deny contains "x" if not is_object(input.tenant)',
    '\tnot input.kind in {"a"}',
    '\tnot f(input)',
  ]) {
    assert.ok(asks(line), `the scan sees ${line}`);
  }
  const found = sources.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .filter((line) => !line.startsWith('#') && asks(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
  assert.deepEqual(found, []);
});

test('every policy has a test beside it', () => {
  const without = sources.filter((file) => globSync(file.replace(/\.rego$/, '_test.rego'), { cwd: root }).length === 0);
  assert.deepEqual(without, []);
});

test('every reason that a policy gives is explained in docs/policy.md', () => {
  const docs = readFileSync(join(root, 'docs/policy.md'), 'utf8');
  const reasons = sources.flatMap((file) => [
    ...readFileSync(join(root, file), 'utf8').matchAll(/(?:deny contains|_granted_by :=|\[)\s?"([a-z_]+)"/g),
  ]);
  assert.ok(reasons.length > 15, `${reasons.length} reasons found`);
  const missing = reasons.map((match) => match[1]).filter((reason) => !docs.includes(`| \`${reason}\` |`));
  assert.deepEqual(missing, []);
});

test('the build command explains itself, refuses what it does not know, and says what to do without Go', () => {
  const run = (args: readonly string[], path = process.env.PATH) =>
    spawnSync(process.execPath, [join(root, 'scripts/policy-build.mjs'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, PATH: path },
    });
  assert.equal(run(['--help']).status, 0);
  assert.match(run(['--help']).stdout, /exit code 0/);
  assert.equal(run(['--bogus']).status, 2);
  assert.match(run(['--bogus']).stderr, /unknown argument --bogus/);
  const withoutGo = run(['--verify'], '/nonexistent');
  assert.equal(withoutGo.status, 3);
  assert.match(withoutGo.stderr, /install Go/);
});
