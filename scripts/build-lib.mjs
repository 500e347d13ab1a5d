// dist/lib: the construct library as a tenant installs it, JavaScript and types.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stageLib } from './stage-lib.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Compiles lib/ to CommonJS, as jsii does, so that `import` and `require` both work and load one copy.
 * @param out the dist folder; `stage` a folder of the clone that may be filled.
 */
export async function buildLib(out, stage) {
  mkdirSync(stage, { recursive: true });
  const files = stageLib(stage);
  writeFileSync(join(stage, 'package.json'), '{ "type": "commonjs" }\n');
  const config = {
    compilerOptions: {
      ...JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).compilerOptions,
      target: 'es2022',
      rootDir: '.',
      outDir: out,
      noEmit: false,
      declaration: true,
      allowImportingTsExtensions: false,
      verbatimModuleSyntax: false,
      // As in lib/tsconfig.json, which says why.
      exactOptionalPropertyTypes: false,
    },
    files,
  };
  writeFileSync(join(stage, 'tsconfig.json'), JSON.stringify(config));
  await compile(stage);
  writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n');
  removeUnreached(out, files);
}

function compile(stage) {
  return new Promise((resolve, reject) => {
    execFile(join(root, 'node_modules/.bin/tsc'), ['-p', stage], { cwd: root }, (error, stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`lib/ does not compile:\n${stdout}${stderr}`.replaceAll(`${relative(root, stage)}/`, '')));
    });
  });
}

/** A type that only an implementation names is in no declaration, so its file is not for tenants. */
function removeUnreached(out, files) {
  const reached = new Set();
  const waiting = ['lib/index.js', 'lib/index.d.ts'];
  while (waiting.length > 0) {
    const file = waiting.pop();
    if (reached.has(file)) continue;
    reached.add(file);
    const kind = file.endsWith('.d.ts') ? '.d.ts' : '.js';
    const text = readFileSync(join(out, file), 'utf8');
    for (const [, path] of text.matchAll(/(?:\bfrom|\bimport\(|\brequire\()\s*["'](\.{1,2}\/[^"']+)["']/g)) {
      const target = join(dirname(file), path) + kind;
      if (!existsSync(join(out, target))) throw new Error(`dist/${file} names ${path}, which was not built`);
      waiting.push(target);
    }
  }
  for (const file of files.flatMap((each) => ['.js', '.d.ts'].map((kind) => each.replace(/\.ts$/, kind))))
    if (!reached.has(file)) rmSync(join(out, file), { force: true });
}
