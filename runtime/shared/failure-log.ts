import type { Logger } from './logger.ts';
import type { Refusal } from './refusal.ts';

/** One failure, or several alike, for whoever operates. */
export interface NotedFailure {
  readonly code: Refusal['code'];
  /** What was told to the caller, and why it really happened. */
  readonly sentence: string;
  /** How many more of the same happened since the last time one was told. */
  readonly repeated: number;
}

/** Tells operators why messages fail, without a line for each. */
export interface FailureLog {
  note(refusal: Refusal): void;
}

export interface FailureLogOptions {
  readonly logger: Logger;
  readonly now: () => number;
  /** Called with what is logged. */
  readonly onFailure?: (failure: NotedFailure) => void;
  /** Least time between two lines about the same cause, milliseconds. @default 10,000 */
  readonly intervalMs?: number;
}

/** Causes that are remembered at once; the oldest is forgotten first. */
const causesMax = 100;

/** The first failure of a cause is told at once, further ones at most every `intervalMs`, with their number. */
export function createFailureLog(options: FailureLogOptions): FailureLog {
  const { logger, now, onFailure, intervalMs = 10_000 } = options;
  const told = new Map<string, { atMs: number; repeated: number }>();
  return {
    note(refusal) {
      const { code } = refusal;
      const sentence = sentenceOf(refusal);
      const key = `${code} ${sentence}`;
      const before = told.get(key);
      if (before !== undefined && now() - before.atMs < intervalMs) {
        before.repeated += 1;
        return;
      }
      const repeated = before?.repeated ?? 0;
      told.delete(key);
      told.set(key, { atMs: now(), repeated: 0 });
      if (told.size > causesMax) told.delete(told.keys().next().value as string);
      logger.error({ code, repeated, err: refusal.cause }, sentence);
      onFailure?.({ code, sentence, repeated });
    },
  };
}

/** The refusal's own words, then what lies behind it, innermost last. */
function sentenceOf(refusal: Refusal): string {
  const parts = [refusal.message];
  let cause: unknown = refusal;
  for (let depth = 0; depth < 8 && cause instanceof Error; depth += 1) {
    const { details } = cause as Partial<Refusal>;
    for (const part of [depth === 0 ? undefined : cause.message, details?.privateDetail]) {
      if (part !== undefined && part !== '' && !parts.includes(part)) parts.push(part);
    }
    const { code } = cause as NodeJS.ErrnoException;
    if (cause.message === '' && code !== undefined) parts.push(code);
    cause = cause.cause;
  }
  const [said, ...why] = parts;
  return why.length === 0 ? (said as string) : `${said} (${why.join(': ')})`;
}
