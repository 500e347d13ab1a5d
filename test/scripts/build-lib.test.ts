import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
const built = globSync('{lib,runtime}/**/*.{js,d.ts}', { cwd: dist });

test('the built library loads the CDK and Node.js, and no library of a service', () => {
  assert.ok(built.includes('lib/index.js') && built.includes('lib/index.d.ts'));
  for (const file of built) {
    const text = readFileSync(join(dist, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:\bfrom|\bimport\(|\brequire\()\s*["']([^"'.][^"']*)["']/g))
      assert.match(name, /^(aws-cdk-lib(\/|$)|constructs$|node:)/, `${file} loads ${name}`);
  }
});

test('import and require give the same classes, under the names that lib/index.ts exports', async () => {
  const required = createRequire(import.meta.url)(join(dist, 'lib/index.js'));
  const imported = await import(pathToFileURL(join(dist, 'lib/index.js')).href);
  const index = readFileSync(join(root, 'lib/index.ts'), 'utf8');
  const values = [...index.matchAll(/^export \{([^}]*)\}/gm)]
    .flatMap(([, names = '']) => names.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '));
  assert.ok(values.includes('McpPlatform') && values.includes('ToolServer'));
  for (const name of values) {
    assert.equal(typeof required[name], 'function', name);
    assert.equal(imported[name], required[name], name);
  }
  assert.deepEqual(Object.keys(required).sort(), values.sort());
});

test('nothing of a service but the contract is built into the library, and no declaration names a source file', () => {
  for (const file of built) {
    if (file.startsWith('runtime/')) assert.match(file, /^runtime\/contract\//);
    assert.doesNotMatch(readFileSync(join(dist, file), 'utf8'), /["']\.{1,2}\/[^"']*\.ts["']|import\.meta/, file);
  }
});
