import type { PolicyPointer } from '../../contract/policy-bundle-file.ts';
import { PolicyFault } from './policy-fault.ts';

/** Reads the pointer in the SSM parameter. Throws {@link PolicyFault}. */
export function readPointer(text: string): PolicyPointer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PolicyFault('the policy pointer is not JSON', { cause });
  }
  const { v, version, bucket, key, sha256 } = (value ?? {}) as Partial<PolicyPointer>;
  if (v !== 1) throw new PolicyFault('the policy pointer is not of version 1 of its form');
  if (!Number.isSafeInteger(version) || (version as number) < 1) {
    throw new PolicyFault('the policy pointer has no version that is a whole number from 1');
  }
  if (!isText(bucket) || !isText(key)) throw new PolicyFault('the policy pointer names no bucket and key');
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new PolicyFault('the policy pointer has no SHA-256 of 64 lower-case hex digits');
  }
  return { v, version: version as number, bucket, key, sha256 };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 1024;
}
