import { join } from 'node:path';

/**
 * Where things lie in an audit directory, and in an audit bucket or a downloaded copy of it. Hive-style names, so that SQL engines see
 * tenant and date as columns.
 *
 * In a directory:
 *
 *     calls/tenant=<segment>/dt=<YYYY-MM-DD>/<writer>-<first seq, 12 digits>.jsonl   records
 *     heads/<writer>.jsonl     signed checkpoints, one compact JWS a line
 *     heads/<writer>.heads     last acknowledged record of each chain, unsigned, rewritten in place
 *     keys/<kid>.json          public keys (JWK) that signed checkpoints
 *     locks/<writer>.lock      the process that writes
 *     torn/                    what a recovery cut off
 *
 * In a bucket, where every object is written once and has the beginning of its own SHA-256 in its name:
 *
 *     calls/tenant=<segment>/dt=<YYYY-MM-DD>/hour=<HH>/<writer>-<first seq, 12 digits>-<SHA-256, 16 digits>.jsonl.gz
 *     heads/<writer>/<n, 12 digits>-<SHA-256, 16 digits>.jws     one signed checkpoint
 *     keys/<kid>.json
 */
export interface ChainFileName {
  readonly writer: string;
  readonly firstSeq: number;
  /** Beginning of the SHA-256 (hex) of an object's bytes; undefined for a file that grows. */
  readonly sha256?: string;
}

const writerPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const tenantPattern = /^[a-z0-9_-]{1,63}$/;
const chainFilePattern = /^([a-z0-9][a-z0-9_-]{0,62})-(\d{12,16})\.jsonl$/;
const chainObjectPattern = /^([a-z0-9][a-z0-9_-]{0,62})-(\d{12,16})-([0-9a-f]{16})\.jsonl\.gz$/;
const checkpointObjectPattern = /^(\d{12,16})-([0-9a-f]{16})\.jws$/;
const encodedTenantPattern = /^x\.((?:[0-9a-f]{2}){1,100})$/;
export const datePattern = /^\d{4}-\d{2}-\d{2}$/;
export const hourPattern = /^(?:[01]\d|2[0-3])$/;

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
  return `${writer}-${digits(firstSeq)}.jsonl`;
}

/** Key of an object of records. `sha256` is that of its bytes, hex. */
export function chainObjectKey(
  place: { readonly segment: string; readonly date: string; readonly hour: string },
  name: { readonly writer: string; readonly firstSeq: number; readonly sha256: string },
): string {
  const file = `${name.writer}-${digits(name.firstSeq)}-${name.sha256.slice(0, 16)}.jsonl.gz`;
  return `calls/tenant=${place.segment}/dt=${place.date}/hour=${place.hour}/${file}`;
}

/** Key of a checkpoint's object. `sha256` is that of its bytes, hex. */
export function checkpointObjectKey(writer: string, n: number, sha256: string): string {
  return `heads/${writer}/${digits(n)}-${sha256.slice(0, 16)}.jws`;
}

/** Reads the name of a file or of an object of records. */
export function parseChainFileName(name: string): ChainFileName | undefined {
  const match = chainFilePattern.exec(name) ?? chainObjectPattern.exec(name);
  const [, writer, number = '', sha256] = match ?? [];
  if (writer === undefined || digits(Number(number)) !== number) return undefined;
  return { writer, firstSeq: Number(number), ...(sha256 !== undefined && { sha256 }) };
}

export function parseCheckpointObjectName(name: string): { readonly n: number; readonly sha256: string } | undefined {
  const [, number = '', sha256] = checkpointObjectPattern.exec(name) ?? [];
  return sha256 === undefined || digits(Number(number)) !== number ? undefined : { n: Number(number), sha256 };
}

function digits(number: number): string {
  return String(number).padStart(12, '0');
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
