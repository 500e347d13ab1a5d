import fs from 'node:fs';
import { join } from 'node:path';
import { diskReason } from './audit-files.ts';
import { isWriterName, segmentTenant, tenantSegment } from './audit-layout.ts';
import { isSignedBy, parseCheckpoint } from './checkpoint.ts';
import { checkpointPlace } from './checkpoint-lines.ts';
import { readHeadSlots } from './head-slots.ts';
import { type ChainFile, listChainFiles } from './list-chain-files.ts';
import { AuditUnreadable, type AuditVerification, createFindings } from './verification.ts';
import { verifyChain } from './verify-chain.ts';
import { createSignedStore, trustedKeys, verifyCheckpoints } from './verify-checkpoints.ts';

export interface VerifyOptions {
  /** Text of the public key to trust: JWK, JWK set or PEM. Without it the keys in the directory are taken at their word. */
  readonly publicKey?: string;
  /** A checkpoint (compact JWS) that was kept outside: it must still be there. */
  readonly expectHead?: string;
  /** Only this tenant's chains. */
  readonly tenant?: string;
}

/**
 * Verifies an audit directory, also one that is being written. Reads with memory that does not grow with it. Throws {@link AuditUnreadable}
 * when it cannot be read, is none, or an option is no such thing.
 */
export async function verifyAuditDirectory(directory: string, options: VerifyOptions = {}): Promise<AuditVerification> {
  try {
    return await verify(directory, options);
  } catch (error) {
    if (error instanceof AuditUnreadable || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new AuditUnreadable(`${directory} cannot be read: ${diskReason(error)}.`, { cause: error });
  }
}

async function verify(directory: string, options: VerifyOptions): Promise<AuditVerification> {
  if (!isFolder(directory)) throw new AuditUnreadable(`${directory} is not a directory that can be read.`);
  if (!isFolder(join(directory, 'calls')) && !isFolder(join(directory, 'heads')))
    throw new AuditUnreadable(`${directory} is no audit directory: it has neither calls/ nor heads/.`);
  const wanted = options.tenant === undefined ? undefined : tenantSegment(options.tenant);
  const keys = trustedKeys(directory, options.publicKey);
  const findings = createFindings();
  const notes: string[] = [];
  const expectedLine = options.expectHead?.trim();
  const expected = expectedLine === undefined ? undefined : parseCheckpoint(expectedLine);
  if (expectedLine !== undefined && expected === undefined)
    throw new AuditUnreadable(
      'The head is no checkpoint: it must be one line of a heads/*.jsonl file, or one heads/*/*.jws.',
    );
  const expectedKey = expected && keys.get(expected.kid);
  if (expected !== undefined && (expectedKey === undefined || !isSignedBy(expected, expectedKey)))
    throw new AuditUnreadable('The head is not signed by a trusted key.');

  // Heads before records: of a directory that is being written, the records are then never behind them.
  const heads = namesIn(join(directory, 'heads'));
  const storedByWriter = new Map(
    writersOf(heads, '.heads').map((writer) => [writer, readHeadSlots(join(directory, 'heads', `${writer}.heads`))]),
  );
  const inObjects = heads.filter((name) => isWriterName(name) && isFolder(join(directory, 'heads', name)));
  const writers = new Set([...storedByWriter.keys(), ...writersOf(heads, '.jsonl'), ...inObjects]);
  if (expected !== undefined) writers.add(expected.checkpoint.writer);
  const signedHashes = createSignedStore();
  const checkpointsByWriter = new Map<string, Awaited<ReturnType<typeof verifyCheckpoints>>>();
  for (const writer of [...writers].sort()) {
    const kept = expected?.checkpoint.writer === writer ? expectedLine : undefined;
    const proven = await verifyCheckpoints(directory, writer, keys, kept, findings, signedHashes);
    checkpointsByWriter.set(writer, proven);
    notes.push(...proven.notes);
    if (kept !== undefined && !proven.hasExpected)
      findings.add(
        'rolled_back',
        checkpointPlace(directory, writer),
        undefined,
        'The checkpoint that you kept is not there any more.',
      );
  }

  if (options.publicKey === undefined) notes.push(...severalKeys(checkpointsByWriter));

  const { files, others } = listChainFiles(directory);
  for (const path of others) {
    if (path.endsWith('.jsonl') || path.endsWith('.jsonl.gz'))
      findings.add('misnamed_file', path, undefined, 'No writer names a file like this.');
    else notes.push(`${path} is none of the record and was not looked at`);
  }
  const chains = chainsOf(files, storedByWriter, checkpointsByWriter, wanted, options.tenant !== undefined);
  const reports = [];
  for (const { segment, writer, files: own } of chains) {
    const checkpoints = checkpointsByWriter.get(writer);
    const hasCheckpoints = (checkpoints?.count ?? 0) > 0;
    const isInObjects = own.some(({ sha256 }) => sha256 !== undefined);
    const place = isInObjects ? `heads/${writer}` : checkpointPlace(directory, writer);
    if (!hasCheckpoints && !findings.list.some(({ file }) => file === place || file.startsWith(`${place}/`)))
      findings.add('checkpoints_missing', place, undefined, `${writer} has records but no checkpoint.`);
    const evidence = {
      signed: new Map(checkpoints?.signed.get(segment)),
      stored: storedByWriter.get(writer)?.get(segment),
    };
    const keptHead = expected?.checkpoint.writer === writer ? expected.checkpoint.heads[segment] : undefined;
    if (keptHead !== undefined) evidence.signed.set(keptHead.seq, keptHead.hash);
    const report = await verifyChain(directory, segment, writer, own, evidence, findings);
    reports.push(hasCheckpoints ? report : { ...report, isIntact: false });
  }
  if (options.tenant !== undefined && reports.length === 0)
    throw new AuditUnreadable(`${directory} has no record of the tenant ${JSON.stringify(options.tenant)}.`);
  return {
    isIntact: findings.count() === 0,
    chains: reports,
    findings: findings.list,
    findingCount: findings.count(),
    notes,
    keys: [...keys.keys()],
    isKeyPinned: options.publicKey !== undefined,
    checkpoints: [...checkpointsByWriter].flatMap(([writer, { newest }]) =>
      newest === undefined ? [] : [{ writer, ...newest }],
    ),
  };
}

interface ChainFiles {
  readonly segment: string;
  readonly writer: string;
  readonly files: ChainFile[];
}

/** Every chain that left a trace: records, a stored head, or a signed one. */
function chainsOf(
  files: readonly ChainFile[],
  stored: ReadonlyMap<string, ReadonlyMap<string, unknown>>,
  checkpoints: ReadonlyMap<string, { readonly signed: ReadonlyMap<string, unknown> }>,
  wanted: string | undefined,
  isFiltered: boolean,
): ChainFiles[] {
  const chains = new Map<string, ChainFiles>();
  const chainFor = (segment: string, writer: string): ChainFiles | undefined => {
    if (segmentTenant(segment) === undefined || (isFiltered && segment !== wanted)) return undefined;
    const key = `${segment} ${writer}`;
    const chain = chains.get(key) ?? { segment, writer, files: [] };
    chains.set(key, chain);
    return chain;
  };
  for (const [writer, heads] of stored) for (const segment of heads.keys()) chainFor(segment, writer);
  for (const [writer, { signed }] of checkpoints) for (const segment of signed.keys()) chainFor(segment, writer);
  // A write that failed leaves an empty file; nothing was ever acknowledged in it.
  for (const file of files) if (file.size > 0) chainFor(file.segment, file.writer)?.files.push(file);
  for (const chain of chains.values())
    chain.files.sort((a, b) => a.firstSeq - b.firstSeq || (a.path < b.path ? -1 : 1));
  return [...chains.keys()].sort().map((key) => chains.get(key) as ChainFiles);
}

/** Whoever may write records of their own in a bucket may put a key there as well. */
function severalKeys(checkpoints: ReadonlyMap<string, { readonly kids: ReadonlySet<string> }>): string[] {
  const writers = new Map<string, string[]>();
  for (const [writer, { kids }] of checkpoints)
    for (const kid of kids) writers.set(kid, [...(writers.get(kid) ?? []), writer]);
  if (writers.size < 2) return [];
  const said = [...writers].map(([kid, [first = '', ...more]]) => {
    return `${kid} signed for ${first}${more.length === 0 ? '' : ` and ${more.length} more`}`;
  });
  return [`${writers.size} keys of the copy were believed: ${said.join('; ')}. Pin the one that is yours with --key.`];
}

function writersOf(names: readonly string[], ending: string): string[] {
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .filter(isWriterName);
}

function namesIn(folder: string): string[] {
  return isFolder(folder) ? fs.readdirSync(folder) : [];
}

function isFolder(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
