import { hash as digest, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { zeroHash } from './audit-layout.ts';
import { isSignedBy, parseCheckpoint, readPublicKeys } from './checkpoint.ts';
import { checkpointLines, type Place } from './checkpoint-lines.ts';
import { AuditUnreadable, type Findings } from './verification.ts';

/** Hashes that checkpoints sign, by seq, for one chain. */
export type SignedHashes = Map<number, string>;

export interface WriterCheckpoints {
  /** By tenant segment. */
  readonly signed: ReadonlyMap<string, SignedHashes>;
  readonly count: number;
  readonly newest: { readonly n: number; readonly time: string; readonly jws: string } | undefined;
  readonly notes: readonly string[];
  /** Keys that signed what was proven. */
  readonly kids: ReadonlySet<string>;
  /** Whether the line that was kept outside is among them. */
  readonly hasExpected: boolean;
}

/**
 * The signed hashes of all writers, in bounded memory: a bucket has a writer for every process of a year. Beyond the most, every second one is let
 * go, never the newest of a chain, which by the links of the chain speaks for those before it.
 */
export interface SignedStore {
  ofWriter(writer: string): Map<string, SignedHashes>;
  /** One more is kept. */
  added(): void;
  readonly kept: () => number;
}

export function createSignedStore(signedMax = 262_144): SignedStore {
  const writers = new Map<string, Map<string, SignedHashes>>();
  let [kept, thinAbove] = [0, signedMax];
  return {
    ofWriter(writer) {
      const signed = writers.get(writer) ?? new Map<string, SignedHashes>();
      writers.set(writer, signed);
      return signed;
    },
    added() {
      kept += 1;
      if (kept <= thinAbove) return;
      kept = 0;
      for (const signed of writers.values()) kept += thin(signed);
      // Where little can be let go, looking again at each one more would take as long as all of them together.
      thinAbove = Math.max(signedMax, kept * 2);
    },
    kept: () => kept,
  };
}

/** Reads and proves all checkpoints of a writer. */
export async function verifyCheckpoints(
  directory: string,
  writer: string,
  keys: ReadonlyMap<string, KeyObject>,
  expectedLine: string | undefined,
  findings: Findings,
  store = createSignedStore(),
): Promise<WriterCheckpoints> {
  const signed = store.ofWriter(writer);
  const unknownKeys = new Set<string>();
  const kids = new Set<string>();
  const notes: string[] = [];
  let [count, lastN, prev] = [0, 0, zeroHash];
  /** Where the checkpoint before stands. */
  let before: Place | undefined;
  let newest: WriterCheckpoints['newest'];
  let hasExpected = false;
  for await (const { bytes, isComplete, isTooLong, n, ...place } of checkpointLines(directory, writer)) {
    const { file, line } = place;
    if (!isComplete) {
      notes.push(`${file} ends in ${bytes.length} bytes of an unfinished checkpoint`);
      break;
    }
    const text = bytes.toString('latin1');
    const unproven = isTooLong ? undefined : parseCheckpoint(text);
    const hash = digest('sha256', bytes);
    if (unproven === undefined) {
      findings.add('checkpoint_unparsable', file, line, 'The line is no checkpoint.');
      [prev, lastN, before] = [hash, lastN + 1, place];
      continue;
    }
    const { checkpoint, kid } = unproven;
    const key = keys.get(kid);
    if (key === undefined) {
      if (!unknownKeys.has(kid))
        findings.add('key_unknown', file, line, `The checkpoint is signed by the key ${kid}, which is not trusted.`);
      unknownKeys.add(kid);
    } else if (!isSignedBy(unproven, key) || checkpoint.writer !== writer)
      findings.add('checkpoint_forged', file, line, 'The signature of the checkpoint does not fit.');
    else {
      count += 1;
      kids.add(kid);
      newest = { n: checkpoint.n, time: checkpoint.time, jws: text };
      if (text === expectedLine) hasExpected = true;
      for (const [segment, head] of Object.entries(checkpoint.heads)) {
        const hashes = signed.get(segment) ?? new Map<number, string>();
        signed.set(segment, hashes);
        const earlier = hashes.get(head.seq);
        if (earlier !== undefined && earlier !== head.hash)
          findings.add(
            'checkpoint_contradiction',
            file,
            line,
            `The checkpoint signs another record ${head.seq} of ${segment} than an earlier one did.`,
          );
        hashes.set(head.seq, head.hash);
        if (earlier === undefined) store.added();
      }
    }
    if (checkpoint.n !== lastN + 1)
      findings.add(
        'checkpoint_gap',
        file,
        line,
        `Checkpoint ${checkpoint.n} follows ${lastN === 0 ? 'nothing' : lastN}.`,
      );
    else if (checkpoint.prev !== prev) {
      const edited = before ?? place;
      findings.add('checkpoint_edited', edited.file, edited.line, 'The next checkpoint links to other bytes.');
    } else if (n !== undefined && n !== checkpoint.n)
      findings.add(
        'checkpoint_edited',
        file,
        line,
        `The object of checkpoint ${checkpoint.n} has the name of another.`,
      );
    [prev, lastN, before] = [hash, checkpoint.n, place];
  }
  return { signed, count, newest, notes, kids, hasExpected };
}

/** The keys to trust: the ones given, else those that the directory publishes. Throws {@link AuditUnreadable}. */
export function trustedKeys(directory: string, given: string | undefined): Map<string, KeyObject> {
  try {
    if (given !== undefined) return readPublicKeys(given);
  } catch (cause) {
    throw new AuditUnreadable(
      'What --key names is no public key of this kind: give an EC key on P-256, as a JWK, a JWK set or PEM.',
      { cause },
    );
  }
  const keys = new Map<string, KeyObject>();
  const folder = join(directory, 'keys');
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    if (!name.endsWith('.json')) continue;
    try {
      for (const [kid, key] of readPublicKeys(fs.readFileSync(join(folder, name), 'utf8'))) keys.set(kid, key);
    } catch {
      // A file that holds no key proves nothing; what it should have proven is found as signed by an unknown key.
    }
  }
  return keys;
}

function thin(signed: ReadonlyMap<string, SignedHashes>): number {
  let kept = 0;
  for (const hashes of signed.values()) {
    let index = 0;
    for (const seq of [...hashes.keys()].slice(0, -1)) {
      index += 1;
      if (index % 2 === 1) hashes.delete(seq);
    }
    kept += hashes.size;
  }
  return kept;
}
