import { hash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TenantSettings } from '../../runtime/contract/decision.ts';
import { type PolicyPointer, policyBundleFileNames } from '../../runtime/contract/policy-bundle-file.ts';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';

const policiesFolder = fileURLToPath(new URL('../../policies', import.meta.url));

/** The files of the real policy with the tenants of a test, in base64. */
export async function policyFiles(tenants: Readonly<Record<string, TenantSettings>>): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-policy-file-'));
  try {
    const tenantsFile = join(folder, 'of-test.json');
    await writeFile(tenantsFile, JSON.stringify({ tenants }));
    await assemblePolicyBundle(policiesFolder, folder, { tenantsFile });
    const files = policyBundleFileNames.map(async (name) => [name, await readFile(join(folder, name), 'base64')]);
    return Object.fromEntries(await Promise.all(files));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A bundle file and the pointer to it. */
export function policyFile(
  files: object,
  version: number,
): { readonly bytes: Buffer; readonly pointer: PolicyPointer } {
  const bytes = Buffer.from(JSON.stringify({ v: 1, files }));
  const sha256 = hash('sha256', bytes);
  return { bytes, pointer: { v: 1, version, bucket: 'assets', key: `${sha256}.json`, sha256 } };
}
