import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, realpath, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { TenantSettings } from '../contract/decision.ts';
import { policyBundleFileNames } from '../contract/policy-bundle-file.ts';
import { BundleFault, parseBase, parseJson, parseTenants } from '../contract/policy-data.ts';
import { isRecord } from '../contract/policy-values.ts';
import { type Canary, parseCanaries } from './policy-canaries.ts';
import type { Entrypoint } from './policy-evaluator.ts';

/** The files of a bundle folder, all of them. */
export const bundleFiles = policyBundleFileNames;

export const entrypoints: readonly Entrypoint[] = [
  'mcp/authz/decision',
  'mcp/authz/visible',
  'mcp/quota/decision',
  'mcp/approval/decision',
];

/** Where each file of a bundle comes from in `policies/`. */
const sources: Readonly<Record<(typeof bundleFiles)[number], string>> = {
  'policy.wasm': 'dist/policy.wasm',
  'build.json': 'dist/build.json',
  'base.json': 'data/base.json',
  'tenants.json': 'data/tenants.json',
  'canaries.json': 'canaries.json',
};

/** A bundle that was read and checked, before its canaries have sung. */
export interface PolicyBundle {
  /** 12 hex digits of the SHA-256 over names and bytes of the files. */
  readonly revision: string;
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly wasmSha256: string;
  /** What Rego sees as `data`. */
  readonly data: { readonly base: Readonly<Record<string, unknown>>; readonly revision: string };
  readonly tenants: ReadonlyMap<string, TenantSettings>;
  readonly canaries: readonly Canary[];
}

/** Reads and checks a bundle folder. Throws {@link BundleFault} with the reason, or the file system's error. */
export async function readPolicyBundle(folder: string): Promise<PolicyBundle> {
  // Followed once: a link may lead elsewhere before the last file is read, and then two bundles would be mixed.
  const place = await realpath(folder).catch(() => folder);
  const contents = await Promise.all(bundleFiles.map((name) => readFile(join(place, name))));
  const [wasm, build, base, tenants, canaries] = contents as [Buffer, Buffer, Buffer, Buffer, Buffer];
  const wasmSha256 = createHash('sha256').update(wasm).digest('hex');
  checkBuild(parseJson(toText(build, 'build.json'), 'build.json'), wasmSha256);
  const revision = revisionOf(contents);
  return {
    revision,
    wasm: Uint8Array.from(wasm),
    wasmSha256,
    data: { base: parseBase(toText(base, 'base.json')), revision },
    tenants: parseTenants(toText(tenants, 'tenants.json')),
    canaries: parseCanaries(parseJson(toText(canaries, 'canaries.json'), 'canaries.json')),
  };
}

/**
 * Makes a bundle folder out of a repository's `policies/`. Each file is renamed into place, so a reader never sees half of
 * one. `tenantsFile` takes the place of the sample tenants.
 */
export async function assemblePolicyBundle(
  policiesFolder: string,
  bundleFolder: string,
  options: { readonly tenantsFile?: string } = {},
): Promise<void> {
  await mkdir(bundleFolder, { recursive: true });
  for (const name of bundleFiles) {
    const source = name === 'tenants.json' && options.tenantsFile !== undefined ? options.tenantsFile : undefined;
    const partial = join(bundleFolder, `.${name}.partial`);
    await copyFile(source ?? join(policiesFolder, sources[name]), partial);
    await rename(partial, join(bundleFolder, name));
  }
}

function checkBuild(build: unknown, wasmSha256: string): void {
  if (!isRecord(build)) throw new BundleFault('build.json is not an object');
  if (build.wasm_sha256 !== wasmSha256) throw new BundleFault('policy.wasm is not the one that build.json describes');
  const named = build.entrypoints;
  const missing = entrypoints.find((entrypoint) => !Array.isArray(named) || !named.includes(entrypoint));
  if (missing !== undefined) throw new BundleFault(`build.json names no entrypoint ${missing}`);
}

/** Lengths stand before the bytes, so that no two bundles have the same concatenation. */
function revisionOf(contents: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const [index, bytes] of contents.entries()) hash.update(`${bundleFiles[index]} ${bytes.length}\n`).update(bytes);
  return hash.digest('hex').slice(0, 12);
}

function toText(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BundleFault(`${file} is not UTF-8`, { cause });
  }
}
