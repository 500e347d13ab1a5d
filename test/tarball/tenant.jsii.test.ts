import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('an app in an empty folder that installed the tarball', () => {
  let folder: string;
  const installed = (path: string) => join(folder, 'node_modules', path);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'toolgate-tenant-'));
    cpSync(fileURLToPath(new URL('./tenant', import.meta.url)), folder, { recursive: true });
    const packed = run('npm', ['pack', '--json', '--pack-destination', folder], root);
    const [{ filename }] = JSON.parse(packed.replace(/^[^[]*/, ''));
    run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, filename)], folder);
    for (const peer of ['aws-cdk-lib', 'constructs']) symlinkSync(join(root, 'node_modules', peer), installed(peer));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('gets the package and nothing else', () => {
    assert.deepEqual(
      globSync('*', { cwd: join(folder, 'node_modules') }).filter(
        (name) => !['aws-cdk-lib', 'constructs'].includes(name),
      ),
      ['toolgate'],
    );
    assert.deepEqual(globSync('*', { cwd: installed('.bin') }), ['toolgate']);
  });

  test('type-checks against the declarations, from TypeScript and from JavaScript that requires it', () => {
    run(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], folder);
    // A mistake is seen, so the declarations were found.
    const wrong = join(folder, 'wrong');
    mkdirSync(wrong);
    cpSync(join(folder, 'tsconfig.json'), join(wrong, 'tsconfig.json'));
    const text = readFileSync(join(folder, 'billing.ts'), 'utf8').replace("owner: 'team-billing'", 'owner: 7');
    writeFileSync(join(wrong, 'billing.ts'), text);
    assert.throws(
      () => run(join(root, 'node_modules/.bin/tsc'), ['-p', 'wrong'], folder),
      /Type 'number' is not assignable to type 'string'/,
    );
  });

  test('synthesises a tool server from TypeScript, on a platform that another app deployed', () => {
    const template = synth('billing.ts');
    const types = Object.values(template.Resources).map(({ Type }) => Type);
    assert.ok(types.includes('AWS::ECS::Service'));
    assert.ok(types.includes('AWS::SSM::Parameter'));
  });

  test('synthesises a platform from JavaScript, whose images are built from the folders of the tarball', () => {
    synth('platform.cjs');
    const images = globSync('cdk.out/asset.*/Dockerfile', { cwd: folder });
    assert.equal(images.length, 4, 'gateway, authorization server, approvals service and registry');
    for (const image of images) assert.ok(readFileSync(join(folder, image, '../index.mjs')).length > 1_000_000);
  });

  test('is told in one sentence when a file of the package is gone', () => {
    rmSync(installed('toolgate/dist/images/gateway/Dockerfile'));
    assert.throws(
      () => synth('platform.cjs'),
      /dist\/images\/gateway\/Dockerfile is missing in .+: .+ install it again/,
    );
  });

  function synth(file: string): { Resources: Record<string, { Type: string }> } {
    const out = join(folder, 'cdk.out');
    rmSync(out, { recursive: true, force: true });
    run(process.execPath, [file], folder, { CDK_OUTDIR: out, CDK_VALIDATION: 'false' });
    const [template] = globSync('*.template.json', { cwd: out });
    return JSON.parse(readFileSync(join(out, template ?? ''), 'utf8'));
  }
});

function run(command: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}:\n${stdout}${stderr}`);
  return stdout;
}
