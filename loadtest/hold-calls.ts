import { Pool } from 'undici';

/** Calls that wait for people. Times are milliseconds. */
export interface HoldOrder {
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly count: number;
}

/** How the waiting goes. */
export interface HoldStatus {
  /** Calls that have waited for a second or more. */
  readonly waiting: number;
  readonly rounds: number;
  /** Answers that neither asked to come back nor were cancelled by the end, with the first of them. */
  readonly failures: number;
  readonly failure: string | undefined;
}

const startedPerSecond = 25;

/** Keeps `count` calls of one tool waiting, each about something else, and comes back whenever it is sent back. Runs in a process of its own. */
function holdCalls({ origin, path, headers, count }: HoldOrder): { status(): HoldStatus; end(): Promise<void> } {
  const pool = new Pool(origin, { connections: count, pipelining: 1, headersTimeout: 120_000, bodyTimeout: 120_000 });
  const ending = new AbortController();
  const sentAtMs = new Map<number, number>();
  let rounds = 0;
  let failures = 0;
  let failure: string | undefined;
  const timers = Array.from({ length: count }, (_, order) =>
    setTimeout(() => void hold(order), (order / startedPerSecond) * 1000),
  );

  async function hold(order: number): Promise<void> {
    let requestState: string | undefined;
    while (!ending.signal.aborted) {
      try {
        sentAtMs.set(order, performance.now());
        requestState = await send(order, requestState);
        rounds += 1;
      } catch (error) {
        if (ending.signal.aborted) return;
        failures += 1;
        failure ??= String(error);
        requestState = undefined;
        await new Promise((resolve) => setTimeout(resolve, 5000));
      } finally {
        sentAtMs.delete(order);
      }
    }
  }

  async function send(order: number, requestState: string | undefined): Promise<string | undefined> {
    const params = {
      name: 'bench.change',
      arguments: { order },
      ...(requestState !== undefined && { requestState }),
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
      },
    };
    const { body } = await pool.request({
      path,
      method: 'POST',
      headers: { ...headers, 'mcp-name': 'bench.change' },
      body: JSON.stringify({ jsonrpc: '2.0', id: order, method: 'tools/call', params }),
      signal: ending.signal,
    });
    const text = await body.text();
    if (/"resultType":"input_required"/.test(text)) return /"requestState":"([^"]+)"/.exec(text)?.[1];
    // The last of eight rounds is told in words, and asks anew.
    if (/APPROVAL_REQUIRED|approval_required/.test(text)) return undefined;
    throw new Error(text.slice(0, 300));
  }

  return {
    status() {
      const long = [...sentAtMs.values()].filter((atMs) => performance.now() - atMs >= 1000);
      return { waiting: long.length, rounds, failures, failure };
    },
    async end() {
      ending.abort();
      for (const timer of timers) clearTimeout(timer);
      await pool.destroy();
    },
  };
}

let holding: ReturnType<typeof holdCalls> | undefined;
process.on('message', async (message: HoldOrder | 'status' | 'end') => {
  if (message === 'status') process.send?.(holding?.status());
  else if (message === 'end') {
    const status = holding?.status();
    await holding?.end();
    holding = undefined;
    process.send?.(status);
  } else holding = holdCalls(message);
});
process.on('disconnect', () => process.exit(0));
