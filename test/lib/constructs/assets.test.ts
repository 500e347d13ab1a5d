import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type ImageName, imageDirectory } from '../../../lib/constructs/assets.ts';
import { writableFolder } from '../../../lib/constructs/mcp-service.ts';

const source = fileURLToPath(new URL('../../../lib/constructs/assets.ts', import.meta.url));

/** A copy of the package's folder with nothing but the file under test, so what else is there is up to the test. */
async function packageWith(t: TestContext, name = 'toolgate') {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'toolgate-assets-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name, type: 'module' }));
  mkdirSync(join(root, 'lib/constructs'), { recursive: true });
  cpSync(source, join(root, 'lib/constructs/assets.ts'));
  const assets: typeof import('../../../lib/constructs/assets.ts') = await import(
    pathToFileURL(join(root, 'lib/constructs/assets.ts')).href
  );
  const put = (file: string) => {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), '');
  };
  return { root, assets, put };
}

test('the folders of what was built are found from the root of the package', async (t) => {
  const { root, assets, put } = await packageWith(t);
  for (const file of ['images/read/Dockerfile', 'lambdas/pre-token/index.mjs', 'policy/policy.wasm'])
    put(join('dist', file));
  assert.equal(assets.imageDirectory('read'), join(root, 'dist/images/read'));
  assert.equal(assets.lambdaDirectory('pre-token'), join(root, 'dist/lambdas/pre-token'));
  assert.equal(assets.policyDirectory(), join(root, 'dist/policy'));
});

test('a clone that was not built is told which file is missing and what to run', async (t) => {
  const { root, assets, put } = await packageWith(t);
  put('dist/images/gateway/index.mjs');
  const told = (file: string) =>
    new Error(
      `${join('dist', file)} is missing in ${root}: run "npm run build" in a clone of Toolgate; an installed package that lacks it is damaged, so install it again`,
    );
  assert.throws(() => assets.imageDirectory('gateway'), told('images/gateway/Dockerfile'));
  assert.throws(() => assets.lambdaDirectory('pre-token'), told('lambdas/pre-token/index.mjs'));
  assert.throws(() => assets.policyDirectory(), told('policy/policy.wasm'));
});

test('a copy of the library outside its package says that it has no root', async (t) => {
  const { assets } = await packageWith(t, 'somebody-elses-app');
  assert.throws(
    () => assets.policyDirectory(),
    /the package\.json of Toolgate was not found above its construct library/,
  );
});

test('the folder that tasks may write to belongs to the user of every image', () => {
  const names: readonly ImageName[] = ['gateway', 'authorization', 'approvals', 'registry', 'read', 'write'];
  for (const name of names) {
    const dockerfile = readFileSync(join(imageDirectory(name), 'Dockerfile'), 'utf8');
    // Fargate gives a volume the owner that its folder has in the image, and only where the image calls it a volume.
    assert.ok(
      dockerfile.includes(`COPY --chown=65532:65532 var/ /var/\nVOLUME ["${writableFolder}"]\nUSER 65532:65532\n`),
      name,
    );
    assert.ok(readFileSync(join(imageDirectory(name), writableFolder, 'about.txt')).length > 0, name);
  }
});
