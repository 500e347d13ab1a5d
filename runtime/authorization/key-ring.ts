/** One key as it is stored: sealed, with the time from which it is used. */
export interface StoredKey {
  readonly kid: string;
  readonly activeFromMs: number;
  readonly sealed: string;
}

export interface RotationPlan {
  /** How long one key is the one in use. */
  readonly periodMs: number;
  /** How long a key is published before it is used, so that every replica and every reader of the key set has it by then. */
  readonly publishAheadMs: number;
  /** How long a key stays after its successor took over: as long as anything signed with it is valid. */
  readonly keepMs: number;
}

/** The key to use now: the latest whose time has come. The clock of a fresh replica may be behind, then it is the earliest. */
export function activeKey<K extends { readonly activeFromMs: number }>(keys: readonly K[], nowMs: number): K {
  const inOrder = keys.toSorted((one, other) => one.activeFromMs - other.activeFromMs);
  const active = inOrder.findLast((key) => key.activeFromMs <= nowMs) ?? inOrder[0];
  if (active === undefined) throw new Error('a key ring is never empty');
  return active;
}

/** When the next key should take over, if it is time to publish it and nobody has. */
export function successorDueMs(keys: readonly StoredKey[], nowMs: number, plan: RotationPlan): number | undefined {
  if (keys.length === 0) return nowMs;
  const dueMs = Math.max(...keys.map((key) => key.activeFromMs)) + plan.periodMs;
  if (nowMs < dueMs - plan.publishAheadMs) return undefined;
  // After a long stop the due time is past, yet readers still need their notice.
  return Math.max(dueMs, nowMs + plan.publishAheadMs);
}

/** The keys that still matter: those to come, the one in use, and those that signed something that may still be valid. */
export function keptKeys(keys: readonly StoredKey[], nowMs: number, plan: RotationPlan): readonly StoredKey[] {
  return keys.filter((key) => {
    const successors = keys.filter((other) => other.activeFromMs > key.activeFromMs);
    if (successors.length === 0) return true;
    return Math.min(...successors.map((other) => other.activeFromMs)) + plan.keepMs > nowMs;
  });
}
