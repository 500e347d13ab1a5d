import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { IConstruct } from 'constructs';
import {
  type PolicyBundleFile,
  policyBundleBytesMax,
  policyBundleFileNames,
} from '../../runtime/contract/policy-bundle-file.ts';
import { BundleFault, parseBase, parseTenants } from '../../runtime/contract/policy-data.ts';
import { policyDirectory } from './assets.ts';
import { synthError } from './synth-error.ts';

interface BundleParts {
  readonly tenantsPath: string;
  readonly basePath?: string;
  readonly rulesDirectory?: string;
}

/**
 * The text of `policy-bundle.json`, the same for the same content. Throws a sentence that names the prop and the file when a part is missing or
 * is not what gateways would take.
 */
export function readBundle(scope: IConstruct, { tenantsPath, basePath, rulesDirectory }: BundleParts): string {
  const rules = rulesDirectory ?? policyDirectory();
  const prop = rulesDirectory === undefined ? 'policyDirectory()' : 'rulesDirectory';
  const rule = (name: string) => read(scope, prop, join(rules, name));
  const base = basePath === undefined ? rule('base.json') : read(scope, 'basePath', basePath);
  const contents: Readonly<Record<(typeof policyBundleFileNames)[number], Buffer>> = {
    'policy.wasm': rule('policy.wasm'),
    'build.json': rule('build.json'),
    'base.json': base,
    'tenants.json': readTenants(scope, tenantsPath),
    'canaries.json': rule('canaries.json'),
  };
  checked(scope, basePath === undefined ? prop : 'basePath', () => parseBase(contents['base.json'].toString('utf8')));
  checkBuild(scope, prop, contents['policy.wasm'], contents['build.json']);

  const files = Object.fromEntries(policyBundleFileNames.map((name) => [name, contents[name].toString('base64')]));
  const bundle = `${JSON.stringify({ v: 1, files } satisfies PolicyBundleFile)}\n`;
  if (bundle.length > policyBundleBytesMax) {
    throw synthError(
      scope,
      `the bundle has ${bundle.length} bytes and gateways read ${policyBundleBytesMax} at most: take data out of tenantsPath or basePath`,
    );
  }
  return bundle;
}

/** One file as it is, or one file a tenant put together. */
function readTenants(scope: IConstruct, tenantsPath: string): Buffer {
  const bytes = isFolder(scope, tenantsPath) ? gather(scope, tenantsPath) : read(scope, 'tenantsPath', tenantsPath);
  const tenants = checked(scope, 'tenantsPath', () => parseTenants(bytes.toString('utf8')));
  if (tenants.size === 0) {
    throw synthError(scope, `tenantsPath is ${tenantsPath}, which names no tenant: nobody could call anything`);
  }
  return bytes;
}

function gather(scope: IConstruct, folder: string): Buffer {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  const other = names.find((name) => !name.endsWith('.json'));
  if (other !== undefined) {
    throw synthError(
      scope,
      `tenantsPath is ${folder}, where ${other} is no file of a tenant: only {tenant}.json may be there`,
    );
  }
  const tenants = names.sort().map((name) => {
    const text = read(scope, 'tenantsPath', join(folder, name)).toString('utf8');
    try {
      return [name.slice(0, -'.json'.length), JSON.parse(text)];
    } catch (cause) {
      throw synthError(scope, `tenantsPath: ${join(folder, name)} is not JSON: ${(cause as Error).message}`);
    }
  });
  return Buffer.from(`${JSON.stringify({ tenants: Object.fromEntries(tenants) })}\n`);
}

/** The gateway checks this too; here it stops a deployment instead of a policy. */
function checkBuild(scope: IConstruct, prop: string, wasm: Buffer, build: Buffer): void {
  let described: unknown;
  try {
    described = JSON.parse(build.toString('utf8')).wasm_sha256;
  } catch (cause) {
    throw synthError(scope, `${prop}: build.json is not JSON: ${(cause as Error).message}`);
  }
  if (described === createHash('sha256').update(wasm).digest('hex')) return;
  throw synthError(
    scope,
    `${prop}: policy.wasm is not the one that build.json describes: run "npm run policy:build" again`,
  );
}

function checked<T>(scope: IConstruct, prop: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof BundleFault) throw synthError(scope, `${prop}: ${error.message}: see docs/policy.md`);
    throw error;
  }
}

function isFolder(scope: IConstruct, path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return found.isDirectory();
  throw synthError(
    scope,
    `tenantsPath is ${path}, which does not exist: give a file {"tenants": {...}} or a folder of {tenant}.json`,
  );
}

function read(scope: IConstruct, prop: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw synthError(scope, `${prop}: ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`);
  }
}
