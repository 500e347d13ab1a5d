import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';
import { type BundlePolicyClient, createPolicyClient } from '../../runtime/shared/policy-client.ts';
import { policiesFolder } from '../policies/samples.ts';

/** The repository's policy in force, from a folder of its own. */
export interface OpenPolicy {
  readonly policy: BundlePolicyClient;
  readonly folder: string;
  /** Removes the folder, too. */
  close(): Promise<void>;
}

export async function openPolicy(): Promise<OpenPolicy> {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-policy-'));
  await assemblePolicyBundle(policiesFolder, folder);
  const policy = await createPolicyClient({ folder, pollMs: 0 });
  return {
    policy,
    folder,
    async close() {
      policy.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
