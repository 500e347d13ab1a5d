// dist/images and dist/lambdas: each service and function as one file, beside what its image needs.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { dockerfile, writableFolder } from './dockerfile.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Each image and the file that starts its service. */
export const images = {
  gateway: 'runtime/gateway/main.ts',
  authorization: 'runtime/authorization/main.ts',
  approvals: 'runtime/approvals/main.ts',
  registry: 'runtime/registry/main.ts',
  read: 'runtime/tools/read/main.ts',
  write: 'runtime/tools/write/main.ts',
};

/** Each function and the file that exports its `handler`. */
export const lambdas = { 'pre-token': 'runtime/identity/pre-token.ts' };

// Libraries ask for these inside a try and go on without: colours of debug lines, and a native driver of pg.
const optionalImports = ['supports-color', 'pg-native'];

/** Writes dist/images and dist/lambdas below `out`. */
export async function buildImages(out) {
  await Promise.all([
    ...Object.entries(images).map(([name, entry]) => bundle(join(out, 'images', name), entry, 8080)),
    ...Object.entries(lambdas).map(([name, entry]) => bundle(join(out, 'lambdas', name), entry)),
  ]);
}

async function bundle(folder, entry, port) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: join(folder, 'index.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    metafile: true,
    logLevel: 'warning',
    // CommonJS libraries inside an ES module still ask for built-in modules with require.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);",
    },
  });
  const [output] = Object.values(metafile.outputs);
  const missing = output.imports
    .filter(({ external, path }) => external && !isBuiltin(path) && !optionalImports.includes(path))
    .map(({ path }) => path);
  if (missing.length > 0) throw new Error(`${entry} needs ${missing.join(', ')} beside its bundle`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'THIRD_PARTY_LICENSES.txt'), licences(Object.keys(output.inputs)));
  if (port === undefined) return;
  writeFileSync(join(folder, 'Dockerfile'), dockerfile(port));
  mkdirSync(join(folder, writableFolder), { recursive: true });
  // npm packs no empty folder.
  writeFileSync(join(folder, writableFolder, 'about.txt'), 'What the service keeps for its own life.\n');
}

function isBuiltin(path) {
  return path.startsWith('node:') || builtinModules.includes(path);
}

/** The licences of the packages whose code is in the bundle, which most of them ask to go with it; one text stands once. */
function licences(inputs) {
  const paths = inputs.map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  const namesByText = new Map();
  for (const path of [...new Set(paths.filter((each) => each !== undefined))].sort()) {
    const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, path)).find((each) => /^licen[cs]e/i.test(each));
    const text = file === undefined ? '' : readFileSync(join(root, path, file), 'utf8').trim();
    namesByText.set(text, [...(namesByText.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  return [...namesByText].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`).join(`\n${'-'.repeat(80)}\n\n`);
}
