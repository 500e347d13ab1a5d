import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LoadResult } from './drive-load.ts';
import { type BenchRow, formatTable, mediansOf } from './report-bench.ts';
import { ask, letGo, startTarget, type Target, usageOf } from './start-target.ts';
import { benchTargets } from './targets/controls.ts';

const usage = `usage: npm run bench -- [--json FILE] [--seconds N] [--rounds N] [--connections 1,16] [--only NAME,...]
  Measures, in one run on this machine and against the same trivial upstream: a bare undici proxy, the gateway with everything on,
  the gateway with each control taken out in turn, and with none. Prints throughput, p50, p99, CPU per call and RSS, with ratios to the bare proxy.
    --json FILE         write the rows there too
    --seconds N         length of one measurement (default 3)
    --rounds N          measurements of each target, taken in turn; the median counts (default 3)
    --connections LIST  concurrent connections (default 1,16)
    --only LIST         of: ${benchTargets.join(', ')}
  exit code 0: measured; 1: a call failed; 2: wrong usage.`;

const options = readOptions();
const upstream = await startTarget('upstream', './targets/upstream.ts', {});
const origin = `http://127.0.0.1:${upstream.port}`;
const load = fork(fileURLToPath(new URL('./drive-load.ts', import.meta.url)));
const rows: BenchRow[] = [];
const targets: Target[] = [];
try {
  for (const name of benchTargets) {
    if (!options.only.has(name) && options.only.size > 0) continue;
    const file = name === 'bare' ? './targets/bare-proxy.ts' : './targets/gateway.ts';
    targets.push(
      await startTarget(name, file, { UPSTREAM_ORIGIN: origin, WITHOUT: name.startsWith('no-') ? name.slice(3) : '' }),
    );
  }
  for (const target of targets) await measure(target, 16, 2000);
  for (let round = 0; round < options.rounds; round += 1) {
    for (const connections of options.connections) {
      for (const target of targets) {
        process.stderr.write(
          `\rround ${round + 1} of ${options.rounds}: ${connections} connection(s), ${target.name.padEnd(20)}`,
        );
        rows.push(await measure(target, connections, options.seconds * 1000));
      }
    }
  }
  process.stderr.write(`\r${' '.repeat(70)}\r`);
} finally {
  // Targets close when their parent lets go; the upstream last, or the others would miss it.
  for (const child of [load, ...targets.map((target) => target.child), upstream.child]) await letGo(child);
}
const medians = mediansOf(rows);
process.stdout.write(
  `${cpus().length} cores, Node.js ${process.version}, median of ${options.rounds} x ${options.seconds} s\n\n${formatTable(medians)}\n`,
);
if (options.json !== undefined)
  writeFileSync(
    options.json,
    `${JSON.stringify({ node: process.version, cores: cpus().length, rows: medians }, null, 2)}\n`,
  );
const failures = rows.reduce((sum, row) => sum + row.failures, 0);
if (failures > 0) process.stderr.write(`${failures} calls were not answered as they should be.\n`);
process.exitCode = failures === 0 ? 0 : 1;

async function measure(target: Target, connections: number, durationMs: number): Promise<BenchRow> {
  const before = await usageOf(target);
  const result = await ask<LoadResult>(load, {
    origin: `http://127.0.0.1:${target.port}`,
    path: '/servers/bench/mcp',
    headers: target.headers,
    connections,
    durationMs,
  });
  const after = await usageOf(target);
  return {
    target: target.name,
    connections,
    callsPerSecond: result.callsPerSecond,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuMicrosPerCall: (after.cpuMicros - before.cpuMicros) / Math.max(1, result.calls),
    rssBytes: after.rssBytes,
    failures: result.failures,
  };
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'string' },
        seconds: { type: 'string', default: '3' },
        rounds: { type: 'string', default: '3' },
        connections: { type: 'string', default: '1,16' },
        only: { type: 'string', default: '' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    }
    const whole = (text: string, what: string) => {
      const number = Number(text);
      if (!Number.isInteger(number) || number < 1) throw new Error(`--${what} takes whole numbers from 1, got ${text}`);
      return number;
    };
    return {
      json: values.json,
      seconds: whole(values.seconds, 'seconds'),
      rounds: whole(values.rounds, 'rounds'),
      connections: values.connections.split(',').map((text) => whole(text, 'connections')),
      only: new Set(values.only.split(',').filter((name) => name !== '')),
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    process.exit(2);
  }
}
