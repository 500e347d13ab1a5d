// The only file that knows where the built parts lie: dist/ of a clone after `npm run build`, and dist/ of the packed tarball.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The services whose image the package brings; each has its own folder with a Dockerfile. */
export type ImageName = 'gateway' | 'authorization' | 'approvals' | 'registry' | 'read' | 'write';

/** The functions whose code the package brings. */
export type LambdaName = 'pre-token';

/**
 * The folder to build the image of `name` from: `Dockerfile`, `index.mjs`, and what the service reads at run time.
 * @throws Error when the package was not built.
 */
export function imageDirectory(name: ImageName): string {
  return builtDirectory('images', name, 'Dockerfile');
}

/**
 * The folder that holds the code of the function `name`: `index.mjs`, with the handler `index.handler`.
 * @throws Error when the package was not built.
 */
export function lambdaDirectory(name: LambdaName): string {
  return builtDirectory('lambdas', name, 'index.mjs');
}

/**
 * The folder with the parts of a policy bundle that belong to the package: `policy.wasm`, `build.json`, `base.json`, `canaries.json`,
 * and a sample `tenants.json`, which a platform replaces by its own.
 * @throws Error when the package was not built.
 */
export function policyDirectory(): string {
  return builtDirectory('policy', '', 'policy.wasm');
}

function builtDirectory(kind: string, name: string, proof: string): string {
  const directory = join(packageRoot(), 'dist', kind, name);
  if (existsSync(join(directory, proof))) return directory;
  throw new Error(
    `${join('dist', kind, name, proof)} is missing in ${packageRoot()}: run "npm run build" in a clone of Toolgate; ` +
      'an installed package that lacks it is damaged, so install it again',
  );
}

let root: string | undefined;

/** The folder of Toolgate's own package.json: two levels up in a clone, three in the tarball. */
function packageRoot(): string {
  // scripts/stage-lib.mjs writes __dirname here for the CommonJS build.
  root ??= findRoot(import.meta.dirname);
  return root;
}

function findRoot(from: string): string {
  const file = join(from, 'package.json');
  if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'toolgate') return from;
  const above = dirname(from);
  if (above === from) throw new Error('the package.json of Toolgate was not found above its construct library');
  return findRoot(above);
}
