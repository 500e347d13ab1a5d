import { createHistogram } from 'node:perf_hooks';
import { Client } from 'undici';

/** One measured run of one target. Times are milliseconds. */
export interface LoadResult {
  readonly calls: number;
  readonly failures: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface LoadOrder {
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly durationMs: number;
}

/** Calls as fast as the answers come, one call at a time on each connection, for `durationMs`. Runs in a process of its own. */
async function driveLoad({ origin, path, headers, connections, durationMs }: LoadOrder): Promise<LoadResult> {
  const histogram = createHistogram();
  let failures = 0;
  let calls = 0;
  let nextId = 1;
  const endAt = performance.now() + durationMs;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = new Client(origin, { pipelining: 1 });
      while (performance.now() < endAt) {
        const id = nextId++;
        const body = JSON.stringify({
          jsonrpc: '2.0',
          id,
          method: 'tools/call',
          params: {
            name: 'bench.add',
            arguments: { a: 1, b: 2, unit: 'pieces', note: 'benchmark call' },
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientCapabilities': {},
              'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
            },
          },
        });
        const sentAt = process.hrtime.bigint();
        const { statusCode, body: answer } = await client.request({ path, method: 'POST', headers, body });
        const text = await answer.text();
        histogram.record(process.hrtime.bigint() - sentAt);
        calls += 1;
        if (statusCode !== 200 || !text.includes(`"id":${id}`) || !text.includes('"sum":3')) failures += 1;
      }
      await client.close();
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  return {
    calls,
    failures,
    callsPerSecond: calls / seconds,
    p50Ms: histogram.percentile(50) / 1e6,
    p99Ms: histogram.percentile(99) / 1e6,
  };
}

process.on('message', (order: LoadOrder) => {
  driveLoad(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      process.stderr.write(`The load generator failed: ${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
