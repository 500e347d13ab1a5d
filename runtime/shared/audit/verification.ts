/** What a verifier can find. Each is a way in which a directory is not what its writers left. */
export type FindingKind =
  /** A line is no record: not JSON, too long, or unfinished before the end. */
  | 'unparsable_line'
  /** The next record links to other bytes than this line has now. */
  | 'edited_line'
  /** Records are missing between two lines. */
  | 'gap'
  /** A record stands again, or before one with a lower number. */
  | 'out_of_order'
  /** A line names another writer or tenant than its path. */
  | 'foreign_line'
  | 'missing_first_part'
  | 'missing_file'
  /** Records at the end are missing that were acknowledged or signed. */
  | 'cut_tail'
  /** A line is not the one whose hash was stored or signed. */
  | 'rewritten'
  /** A record lies under another date or hour than its own. */
  | 'wrong_date'
  /** An object's bytes are not those whose hash its name holds, or are no gzip file. */
  | 'edited_object'
  | 'misnamed_file'
  /** A run without a start, or records after the end of a run. */
  | 'wrong_run'
  | 'checkpoint_unparsable'
  | 'checkpoint_forged'
  | 'checkpoint_gap'
  | 'checkpoint_edited'
  | 'checkpoint_contradiction'
  | 'checkpoints_missing'
  | 'key_unknown'
  /** The checkpoint that was kept outside is no longer in the directory. */
  | 'rolled_back';

export interface AuditFinding {
  readonly kind: FindingKind;
  /** Relative to the directory. */
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** One sentence. */
  readonly message: string;
}

/** One chain, as it was found. */
export interface ChainReport {
  readonly tenant: string;
  readonly writer: string;
  readonly files: number;
  readonly records: number;
  readonly lastSeq: number;
  /** `time` of the first and last record, as recorded. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Highest seq that a checkpoint signs. */
  readonly signedSeq: number;
  /** Intents without an outcome: the process ended in between, or the call still runs. Not tampering. */
  readonly unfinishedCalls: readonly string[];
  readonly unfinishedCount: number;
  readonly isIntact: boolean;
  readonly notes: readonly string[];
}

export interface AuditVerification {
  readonly isIntact: boolean;
  readonly chains: readonly ChainReport[];
  /** The first thousand. */
  readonly findings: readonly AuditFinding[];
  readonly findingCount: number;
  readonly notes: readonly string[];
  /** Keys that were trusted, and whether the caller named them. */
  readonly keys: readonly string[];
  readonly isKeyPinned: boolean;
  /** The newest checkpoint of each writer; keep it outside to prove later that nothing before it was rolled back. */
  readonly checkpoints: readonly {
    readonly writer: string;
    readonly n: number;
    readonly time: string;
    readonly jws: string;
  }[];
}

/** The directory cannot be read, or is none. */
export class AuditUnreadable extends Error {}

const findingsMax = 1000;

/** Collects findings without growing with the damage. */
export function createFindings() {
  const list: AuditFinding[] = [];
  let count = 0;
  return {
    list,
    count: () => count,
    add(kind: FindingKind, file: string, line: number | undefined, message: string): void {
      count += 1;
      if (list.length < findingsMax) list.push({ kind, file, ...(line === undefined ? {} : { line }), message });
    },
  };
}

export type Findings = ReturnType<typeof createFindings>;
