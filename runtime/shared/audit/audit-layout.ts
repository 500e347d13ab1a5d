import { join } from 'node:path';

/**
 * Where things lie in an audit directory. Hive-style names, so that SQL engines see tenant and date as columns; the S3 sink uses
 * the same keys under its prefix.
 *
 *     calls/tenant=<segment>/dt=<YYYY-MM-DD>/<writer>-<first seq, 12 digits>.jsonl   records
 *     heads/<writer>.jsonl     signed checkpoints, one compact JWS a line
 *     heads/<writer>.heads     last acknowledged record of each chain, unsigned, rewritten in place
 *     keys/<kid>.json          public keys (JWK) that signed checkpoints
 *     locks/<writer>.lock      the process that writes
 *     torn/                    what a recovery cut off
 */
export interface ChainFileName {
  readonly writer: string;
  readonly firstSeq: number;
}

const writerPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const tenantPattern = /^[a-z0-9_-]{1,63}$/;
const chainFilePattern = /^([a-z0-9][a-z0-9_-]{0,62})-(\d{12,16})\.jsonl$/;
const encodedTenantPattern = /^x\.((?:[0-9a-f]{2}){1,100})$/;
export const datePattern = /^\d{4}-\d{2}-\d{2}$/;

/** `prev` of a chain's first record, and of a writer's first checkpoint. */
export const zeroHash = '0'.repeat(64);

export function isWriterName(name: string): boolean {
  return writerPattern.test(name);
}

/**
 * The tenant as one path segment. A plain name is itself; any other is `x.` and the hex of its UTF-8, which no plain name can be.
 * Undefined when it is empty or longer than 100 bytes: no path is made of it.
 */
export function tenantSegment(tenant: string): string | undefined {
  if (tenantPattern.test(tenant)) return tenant;
  const bytes = Buffer.from(tenant, 'utf8');
  return bytes.length === 0 || bytes.length > 100 ? undefined : `x.${bytes.toString('hex')}`;
}

/** The tenant of a path segment; undefined when the segment is none of ours. */
export function segmentTenant(segment: string): string | undefined {
  if (tenantPattern.test(segment)) return segment;
  const hex = encodedTenantPattern.exec(segment)?.[1];
  if (hex === undefined) return undefined;
  const tenant = Buffer.from(hex, 'hex').toString('utf8');
  return tenantSegment(tenant) === segment ? tenant : undefined;
}

export function chainFileName(writer: string, firstSeq: number): string {
  return `${writer}-${String(firstSeq).padStart(12, '0')}.jsonl`;
}

export function parseChainFileName(name: string): ChainFileName | undefined {
  const match = chainFilePattern.exec(name);
  if (match?.[1] === undefined) return undefined;
  const file = { writer: match[1], firstSeq: Number(match[2]) };
  return chainFileName(file.writer, file.firstSeq) === name ? file : undefined;
}

/** Relative to the audit directory, with `/`. */
export function chainFilePath(segment: string, date: string, fileName: string): string {
  return `calls/tenant=${segment}/dt=${date}/${fileName}`;
}

export function auditPaths(directory: string, writer: string) {
  return {
    calls: join(directory, 'calls'),
    checkpoints: join(directory, 'heads', `${writer}.jsonl`),
    heads: join(directory, 'heads', `${writer}.heads`),
    keys: join(directory, 'keys'),
    lock: join(directory, 'locks', `${writer}.lock`),
    torn: join(directory, 'torn'),
  };
}

export const auditFolders = ['calls', 'heads', 'keys', 'locks', 'torn'] as const;
