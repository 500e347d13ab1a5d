import { Pool } from 'undici';
import type { JsonObject } from '../../contract/json.ts';
import type { JsonRpcId } from '../../contract/tool-call.ts';
import { AnswerReader, abortReason } from './read-answer.ts';

/** One JSON-RPC request to a tool server. */
export interface UpstreamRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** The id that the answer must carry. */
  readonly id: JsonRpcId;
  /** Largest answer, in bytes; of a stream, its largest event. */
  readonly resultBytesMax: number;
  readonly signal: AbortSignal;
  /** A notification that came before the answer. */
  readonly onNotification: (notification: JsonObject) => void;
  /** A sign of life. */
  readonly onKeepAlive: () => void;
}

/** The answer of a tool server: a JSON-RPC response with our id, of one of two kinds. */
export type UpstreamAnswer =
  | { readonly kind: 'result'; readonly body: JsonObject; readonly status: number }
  | { readonly kind: 'error'; readonly body: JsonObject; readonly status: number };

export interface UpstreamClient {
  /**
   * Sends one request, once. Throws Refusal `upstream_unavailable`, `upstream_timeout`, `upstream_invalid`, `upstream_too_large`,
   * `upstream_refused`, or `client_cancelled` when `signal` aborts.
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  close(): Promise<void>;
}

export interface UpstreamOptions {
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  /** To the answer's headers, and between two chunks of its body. */
  readonly idleTimeoutMs: number;
}

export function createUpstreamClient(options: UpstreamOptions): UpstreamClient {
  const pools = new Map<string, Pool>();
  const targets = new Map<string, { pool: Pool; path: string }>();
  const targetOf = (text: string) => {
    let target = targets.get(text);
    if (target === undefined) {
      const url = new URL(text);
      let pool = pools.get(url.origin);
      if (pool === undefined) {
        pool = new Pool(url.origin, {
          connections: options.connectionsMax,
          connect: { timeout: options.connectTimeoutMs },
          headersTimeout: options.idleTimeoutMs,
          bodyTimeout: options.idleTimeoutMs,
        });
        pools.set(url.origin, pool);
      }
      target = { pool, path: url.pathname + url.search };
      targets.set(text, target);
    }
    return target;
  };
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (request.signal.aborted) {
          reject(abortReason(request.signal));
          return;
        }
        const { pool, path } = targetOf(request.url);
        const { headers, body } = request;
        pool.dispatch({ path, method: 'POST', headers, body }, new AnswerReader(request, resolve, reject));
      }),
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}
