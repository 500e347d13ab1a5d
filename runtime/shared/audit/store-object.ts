import { setTimeout as delay } from 'node:timers/promises';
import { type AuditObject, type AuditObjects, PutFailed } from './audit-objects.ts';

const firstPauseMs = 50;
const pauseMaxMs = 1000;

/**
 * Puts the same bytes under the same key until they are stored, or `attemptsMax` attempts have failed; then it throws {@link PutFailed}. The name
 * of the object holds its hash, so one that exists is this one: an earlier attempt had arrived.
 */
export async function storeObject(
  objects: AuditObjects,
  object: AuditObject,
  options: {
    /** @default as many as it takes */
    readonly attemptsMax?: number;
    /** Ends the attempts. */
    readonly signal?: AbortSignal;
    readonly onFailure?: (failure: PutFailed) => void;
  } = {},
): Promise<void> {
  const { attemptsMax = Number.POSITIVE_INFINITY, signal, onFailure } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await objects.put(object);
      return;
    } catch (error) {
      const failure = error instanceof PutFailed ? error : new PutFailed(String(error), false, error);
      onFailure?.(failure);
      if (attempt >= attemptsMax || signal?.aborted === true) throw failure;
      const pauseMs = Math.min(pauseMaxMs, firstPauseMs * 2 ** Math.min(attempt - 1, 10));
      await delay(pauseMs * (0.5 + Math.random() / 2), undefined, signal && { signal }).catch(() => {
        throw failure;
      });
    }
  }
}
