import type { JsonRpcId } from '../contract/tool-call.ts';
import type { ToolCaller } from './served-tool.ts';

/** The calls that run right now, so that a message of its own can cancel one. */
export interface CallsUnderWay {
  /** `id` undefined: a notification, which nobody can cancel. */
  begin(caller: ToolCaller, id: JsonRpcId | undefined): CallUnderWay;
  /** Cancels the caller's own call with that id. */
  cancel(caller: ToolCaller, requestId: unknown): void;
  abortAll(): void;
}

export interface CallUnderWay {
  readonly signal: AbortSignal;
  abort(): void;
  end(): void;
}

/**
 * Without sessions an id is the caller's alone and clients start at 0, so two calls of one caller may share theirs; then a cancellation
 * could mean either and stops neither.
 */
export function createCallsUnderWay(): CallsUnderWay {
  const calls = new Map<string, Set<AbortController>>();
  const keyOf = ({ tenant, subject, clientId }: ToolCaller, id: unknown) =>
    JSON.stringify([tenant, subject, clientId, id]);
  return {
    begin(caller, id) {
      const controller = new AbortController();
      const key = id === undefined ? nextNotificationKey() : keyOf(caller, id);
      const same = calls.get(key) ?? new Set();
      calls.set(key, same.add(controller));
      return {
        signal: controller.signal,
        abort: () => controller.abort(),
        end: () => {
          same.delete(controller);
          if (same.size === 0 && calls.get(key) === same) calls.delete(key);
        },
      };
    },
    cancel(caller, requestId) {
      const same = calls.get(keyOf(caller, requestId));
      if (same?.size === 1) for (const controller of same) controller.abort();
    },
    abortAll() {
      for (const same of calls.values()) for (const controller of same) controller.abort();
    },
  };
}

let notifications = 0;

function nextNotificationKey(): string {
  notifications += 1;
  return `notification ${notifications}`;
}
