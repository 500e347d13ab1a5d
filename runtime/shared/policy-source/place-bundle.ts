import { lstat, mkdir, readdir, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createPolicyClient } from '../policy-client.ts';
import { PolicyFault } from './policy-fault.ts';

/** Where bundles are unpacked, and the link that names the one in force. */
export interface BundlePlace {
  /** Writes a bundle beside those that are there, and checks it as a gateway does, canaries too. Throws {@link PolicyFault}. */
  stage(name: string, files: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** From one moment to the next, readers of the folder find this bundle. */
  putInForce(name: string): Promise<void>;
}

/**
 * `folder` becomes a link: a reader that follows it once reads one bundle whole, whatever is put in force meanwhile. What a process left
 * there before is removed, because nobody knows whether it is still good. Rejects with one sentence when the place cannot be used.
 */
export async function openBundlePlace(folder: string): Promise<BundlePlace> {
  const versions = `${folder}-versions`;
  try {
    await clear(folder);
    await rm(versions, { recursive: true, force: true });
    await mkdir(versions, { recursive: true });
  } catch (cause) {
    const { code = 'unknown', message } = cause as NodeJS.ErrnoException;
    throw new Error(`POLICY_DIR cannot be used for the policy that POLICY_PARAMETER names: ${code}, ${message}.`, {
      cause,
    });
  }
  const kept: string[] = [];

  async function stage(name: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const staged = join(versions, name);
    await rm(staged, { recursive: true, force: true });
    await mkdir(staged);
    for (const [file, bytes] of files) await writeFile(join(staged, file), bytes);
    const trial = await createPolicyClient({ folder: staged, pollMs: 0 });
    const { fault } = trial.status();
    trial.close();
    if (fault === undefined) return;
    await rm(staged, { recursive: true, force: true });
    throw new PolicyFault(`the bundle is not one that may decide: ${fault}`);
  }

  async function putInForce(name: string): Promise<void> {
    const link = `${folder}.next`;
    await rm(link, { force: true });
    await symlink(join(basename(versions), name), link);
    await rename(link, folder);
    if (kept.at(-1) !== name) kept.push(name);
    // The one before stays: somebody may be in the middle of reading it.
    for (const old of await readdir(versions)) {
      if (!kept.slice(-2).includes(old)) await rm(join(versions, old), { recursive: true, force: true });
    }
  }

  return { stage, putInForce };
}

/** A link goes, and an empty folder; files that somebody else put there do not. */
async function clear(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isDirectory()) await rmdir(folder);
  else await rm(folder, { force: true });
}
