import { hash } from 'node:crypto';
import { policyBundleBytesMax, policyBundleFileNames } from '../../contract/policy-bundle-file.ts';
import { PolicyFault } from './policy-fault.ts';

/**
 * The files in the bytes of a bundle file, by name: exactly those of a bundle, so that no name can lead out of the folder they are written
 * to. Throws {@link PolicyFault}.
 */
export function readBundleFile(bytes: Uint8Array, sha256: string): ReadonlyMap<string, Buffer> {
  if (bytes.length > policyBundleBytesMax) throw tooLarge();
  if (hash('sha256', bytes) !== sha256) throw new PolicyFault('the bundle file is not the one that the pointer names');
  const { v, files } = parse(bytes);
  if (v !== 1 || typeof files !== 'object' || files === null || Array.isArray(files)) {
    throw new PolicyFault('the bundle file is not of version 1 of its form');
  }
  const names = Object.keys(files);
  const stranger = names.find((name) => !policyBundleFileNames.some((known) => known === name));
  if (stranger !== undefined) {
    throw new PolicyFault(
      `the bundle file has a file that is not of a bundle: ${JSON.stringify(stranger.slice(0, 80))}`,
    );
  }
  const missing = policyBundleFileNames.find((name) => !Object.hasOwn(files, name));
  if (missing !== undefined) throw new PolicyFault(`the bundle file lacks ${missing}`);
  return new Map(policyBundleFileNames.map((name) => [name, decode(name, (files as Record<string, unknown>)[name])]));
}

export function tooLarge(): PolicyFault {
  return new PolicyFault(`the bundle file is larger than ${policyBundleBytesMax} bytes`);
}

function parse(bytes: Uint8Array): { v?: unknown; files?: unknown } {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) ?? {};
  } catch (cause) {
    throw new PolicyFault('the bundle file is not JSON in UTF-8', { cause });
  }
}

function decode(name: string, text: unknown): Buffer {
  const bytes = Buffer.from(typeof text === 'string' ? text : '', 'base64');
  // Node skips what is not base64; bytes that nobody wrote would then be read.
  if (bytes.toString('base64') !== text) throw new PolicyFault(`${name} in the bundle file is not base64`);
  return bytes;
}
