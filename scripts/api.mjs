// npm run api:build: API.md, every construct and prop that a tenant can name, as jsii reads them from lib/.   npm run api:verify
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './ensure-installed.mjs';
import { stageLib } from './stage-lib.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tools = join(root, 'tools/jsii');
const page = join(root, 'API.md');
const usage = `usage: npm run api:build | npm run api:verify   (node scripts/api.mjs [--verify])
  Compiles lib/ with jsii, which refuses what another language could not be given, lints it with awslint (a docstring on everything
  public, what every optional prop is by default, names), and writes API.md from it.
  --verify  compares with the API.md that is committed; writes nothing
  exit code 0: written, or equal; 1: jsii or awslint refuses lib/, or API.md differs; 2: wrong usage.`;

process.exitCode = main(process.argv.slice(2));

function main(argv) {
  const unknown = argv.find((argument) => argument !== '--verify');
  if (unknown !== undefined) {
    process.stderr.write(`${usage}\n`);
    return unknown === '--help' || unknown === '-h' ? 0 : 2;
  }
  ensureInstalled(tools);
  const stage = join(root, '.build', randomUUID());
  mkdirSync(stage, { recursive: true });
  try {
    const compiled = compile(stage);
    if (compiled !== undefined) return fail(`jsii refuses lib/:\n${compiled}`);
    // The excluded rule asks for the Duration of a package that was of CDK 1.
    const lint = spawnSync(join(tools, 'node_modules/.bin/awslint'), ['--exclude', 'duration-prop-type:*'], {
      cwd: stage,
      encoding: 'utf8',
    });
    if (lint.status !== 0) return fail(`awslint refuses lib/:\n${lint.stdout}${lint.stderr}`);
    const text = describe(stage);
    if (argv.includes('--verify')) return verify(text);
    writeFileSync(page, text);
    process.stdout.write(`API.md: ${text.split('\n').length} lines\n`);
    return 0;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** @returns what jsii says against lib/, or undefined. */
function compile(stage) {
  stageLib(stage);
  const { name, version, description, license, peerDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const manifest = {
    name,
    version,
    description,
    license,
    main: 'lib/index.js',
    types: 'lib/index.d.ts',
    // jsii asks for these; they are not published from here.
    author: { name: 'The Toolgate authors', organization: true },
    repository: { type: 'git', url: 'https://example.com/toolgate.git' },
    stability: 'experimental',
    jsii: { outdir: 'dist', targets: {}, excludeTypescript: ['dist'], tsc: { types: ['node'] } },
    peerDependencies,
    devDependencies: Object.fromEntries(
      Object.entries(peerDependencies).map(([peer, range]) => [peer, range.replace('^', '')]),
    ),
  };
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(stage, 'README.md'), `# ${name}\n\n${description}\n`);
  const run = spawnSync(join(tools, 'node_modules/.bin/jsii'), ['--silence-warnings=reserved-word'], {
    cwd: stage,
    encoding: 'utf8',
  });
  return run.status === 0 ? undefined : `${run.stdout}${run.stderr}`.replaceAll(`${stage}/`, '');
}

function describe(stage) {
  // jsii-docgen looks for the peers below the folder itself.
  mkdirSync(join(stage, 'node_modules'));
  for (const peer of ['aws-cdk-lib', 'constructs'])
    symlinkSync(join(root, 'node_modules', peer), join(stage, 'node_modules', peer));
  const run = spawnSync(
    join(tools, 'node_modules/.bin/jsii-docgen'),
    ['--output', 'API.md', '--language', 'typescript'],
    {
      cwd: stage,
      encoding: 'utf8',
    },
  );
  if (run.status !== 0) throw new Error(`jsii-docgen failed:\n${run.stdout}${run.stderr}`);
  return readFileSync(join(stage, 'API.md'), 'utf8');
}

function verify(text) {
  if (existsSync(page) && readFileSync(page, 'utf8') === text) {
    process.stdout.write('API.md is what lib/ says\n');
    return 0;
  }
  return fail('API.md is not what lib/ says: run "npm run api:build" and commit it');
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  return 1;
}
