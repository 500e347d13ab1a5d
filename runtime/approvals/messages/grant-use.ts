/** What became of a yes. */
export interface GrantUse {
  /** Calls that ran on it. */
  readonly callsUsed: number;
  /** Calls that may run on it. */
  readonly callsMax: number;
  /** When the last one ran, milliseconds since the epoch; undefined when none did, or nobody noted it. */
  readonly usedAtMs: number | undefined;
  /** Milliseconds since the epoch. */
  readonly usableUntilMs: number;
  readonly takenBack: TakenBack | undefined;
}

export interface TakenBack {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Undefined: the workflow did, because the yes was not another person's. */
  readonly by: string | undefined;
  /** In the person's words, personal data and secrets taken out. */
  readonly reason: string | undefined;
  /** `call_id` of the act on record; undefined: the workflow did. */
  readonly callId?: string | undefined;
  /** True when the act is on record as it came out; without it nobody knows. */
  readonly isRecorded?: boolean;
}

/** Ends the sentence that a yes was taken back. Empty for a yes to one call: it can only be taken back before that one runs. */
export function ranBefore({ callsUsed, callsMax }: GrantUse): string {
  return callsMax === 1 ? '' : ` after ${callsUsed} of ${callsMax} calls ran`;
}

/** True while a call may still run on it, so that there is something to take back. */
export function isLeft({ callsUsed, callsMax, takenBack, usableUntilMs }: GrantUse, nowMs: number): boolean {
  return takenBack === undefined && callsUsed < callsMax && nowMs < usableUntilMs;
}
