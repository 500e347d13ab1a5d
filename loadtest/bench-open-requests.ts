import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { toRequestItem } from '../runtime/shared/approval-items.ts';
import { createApprovalStore } from '../runtime/shared/approval-store.ts';
import { sampleQuestion } from '../test/support/approval.ts';
import { startSlackDouble } from '../test/support/slack-double.ts';
import type { LoadResult } from './drive-load.ts';
import type { HoldStatus } from './hold-calls.ts';
import { type FollowingRow, formatFollowing, formatHolding, type HoldingRow } from './report-open-requests.ts';
import { ask, letGo, startTarget, type Target, usageOf } from './start-target.ts';
import { createStoreClient } from './targets/store-client.ts';

const usage = `usage: npm run bench:approvals -- [--open N] [--sizes 100,1000,5000] [--seconds N] [--rounds N] [--json FILE]
  Measures what open questions to people cost. First the latency of other calls through a gateway in which nobody waits, and in which --open calls
  wait for as many answers, in turn; then two replicas of the approvals service that look after 100, 1,000, 5,000 open questions.
    --open N      calls that wait (default 1000)
    --sizes LIST  open questions of the second part (default 100,1000,5000)
    --seconds N   length of one measurement (default 5; the second part takes four times that)
    --rounds N    measurements of each kind, taken in turn; the median counts (default 3)
    --json FILE   write the rows there too
  exit code 0: measured; 1: a call failed; 2: wrong usage.`;

const options = readOptions();
const holding = options.open > 0 ? await measureHolding() : [];
const following: FollowingRow[] = [];
for (const size of options.sizes) following.push(await measureFollowing(size));
process.stdout.write(
  `${cpus().length} cores, Node.js ${process.version}, median of ${options.rounds} x ${options.seconds} s\n\n${formatHolding(holding)}\n\n${formatFollowing(following)}\n`,
);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ holding, following }, null, 2)}\n`);
process.exitCode = holding.some(({ failures }) => failures > 0) ? 1 : 0;

/** Other calls while nobody waits, and while many do. */
async function measureHolding(): Promise<HoldingRow[]> {
  const upstream = await startTarget('upstream', './targets/upstream.ts', {});
  const store = await startTarget('store', './targets/store.ts', {});
  const endpoint = store.endpoint ?? '';
  const gateway = await startTarget('gateway', './targets/gateway.ts', {
    UPSTREAM_ORIGIN: `http://127.0.0.1:${upstream.port}`,
    STORE_ENDPOINT: endpoint,
    HOLD_MS: '45000',
  });
  const load = child('./drive-load.ts');
  const holders = child('./hold-calls.ts');
  const client = createStoreClient(endpoint, 30_000);
  const approvals = createApprovalStore({ client, tablePrefix: 'bench-', deadlineMs: 60_000 });
  const to = { origin: `http://127.0.0.1:${gateway.port}`, path: '/servers/bench/mcp', headers: gateway.headers };
  const rows: HoldingRow[] = [];
  const drive = (connections: number, durationMs: number) => ask<LoadResult>(load, { ...to, connections, durationMs });

  async function measure(open: number): Promise<void> {
    const idle = await usageOf(gateway);
    await sleep(options.seconds * 1000);
    const rested = await usageOf(gateway);
    for (const connections of [1, 16]) {
      const before = await usageOf(gateway);
      const { calls, p50Ms, p99Ms, callsPerSecond, failures } = await drive(connections, options.seconds * 1000);
      const after = await usageOf(gateway);
      const row: HoldingRow = {
        open,
        connections,
        callsPerSecond,
        p50Ms,
        p99Ms,
        cpuMicrosPerCall: (after.cpuMicros - before.cpuMicros) / Math.max(1, calls),
        restingCpuShare: (rested.cpuMicros - idle.cpuMicros) / (options.seconds * 1e6),
        rssBytes: after.rssBytes,
        failures,
      };
      rows.push(row);
      process.stderr.write(`  ${JSON.stringify(row)}\n`);
    }
  }

  try {
    await drive(16, 2000);
    for (let round = 1; round <= options.rounds; round += 1) {
      process.stderr.write(`round ${round} of ${options.rounds}: nobody waits\n`);
      await measure(0);
      holders.send({ ...to, count: options.open });
      await untilWaiting(options.open);
      process.stderr.write(`round ${round} of ${options.rounds}: ${options.open} calls wait\n`);
      await measure(options.open);
      const { failures, failure } = await ask<HoldStatus>(holders, 'end');
      if (failures > 0) process.stderr.write(`${failures} waiting calls failed, the first with ${failure}\n`);
      if (round < options.rounds) await closeAll();
    }
  } finally {
    client.destroy();
    for (const each of [load, holders, gateway.child, store.child, upstream.child]) await letGo(each);
  }
  return rows;

  async function closeAll(): Promise<void> {
    for (const { id } of await approvals.listUnsettled()) {
      await approvals.withdraw(id, Date.now());
      await approvals.settle(id);
    }
  }

  async function untilWaiting(count: number): Promise<void> {
    const lateMs = performance.now() + 120_000;
    for (;;) {
      const { waiting, failure } = await ask<HoldStatus>(holders, 'status');
      if (waiting >= count * 0.98) return;
      if (performance.now() > lateMs)
        throw new Error(`only ${waiting} of ${count} calls wait: ${failure ?? 'too slow'}`);
      await sleep(500);
    }
  }
}

/** Two replicas that look after so many open questions of 300 askers. */
async function measureFollowing(size: number): Promise<FollowingRow> {
  process.stderr.write(`two replicas and ${size} open questions\n`);
  const store = await startTarget('store', './targets/store.ts', {});
  const endpoint = store.endpoint ?? '';
  await fill(endpoint, size);
  const slack = await startSlackDouble();
  const env = {
    STORE_ENDPOINT: endpoint,
    SLACK_TOKEN: slack.token,
    SLACK_URL: slack.apiUrl.replace(/\/$/, ''),
    SLACK_CHANNEL: slack.channel,
  };
  const replicas: Target[] = [];
  try {
    for (const name of ['first', 'second']) replicas.push(await startTarget(name, './targets/approvals.ts', env));
    await sleep(5000);
    const before = await Promise.all(replicas.map(usageOf));
    const messages = slack.messages.size;
    const seconds = options.seconds * 4;
    await sleep(seconds * 1000);
    const after = await Promise.all(replicas.map(usageOf));
    const figure = (of: (n: number) => number) => replicas.map((_, n) => of(n));
    const commands = (n: number, name: string) =>
      ((after[n]?.commands?.[name] ?? 0) - (before[n]?.commands?.[name] ?? 0)) / seconds;
    return {
      open: size,
      cpuShare: figure((n) => ((after[n]?.cpuMicros ?? 0) - (before[n]?.cpuMicros ?? 0)) / (seconds * 1e6)),
      rssBytes: figure((n) => after[n]?.rssBytes ?? 0),
      scansPerSecond: figure((n) => commands(n, 'ScanCommand')),
      otherPerSecond: figure((n) => {
        const names = Object.keys(after[n]?.commands ?? {}).filter((name) => name !== 'ScanCommand');
        return names.reduce((sum, name) => sum + commands(n, name), 0);
      }),
      messagesPerSecond: (slack.messages.size - messages) / seconds,
    };
  } finally {
    for (const { child: each } of replicas) await letGo(each);
    await slack.close();
    await letGo(store.child);
  }
}

/** Open questions, as a gateway writes them. */
async function fill(endpoint: string, size: number): Promise<void> {
  const client = createStoreClient(endpoint, 30_000);
  const openedAtMs = Date.now();
  const items = Array.from({ length: size }, (_, n) =>
    toRequestItem(
      sampleQuestion({
        subject: `asker-${n % 300}`,
        argumentsSha256: n.toString(16).padStart(64, '0'),
        arguments: { sql: `delete from orders where id = ${n}`, why: 'x'.repeat(1000) },
      }),
      {
        requestId: `request-${n}`,
        callId: `call-${n}`,
        openedAtMs: openedAtMs + n,
        expiresAtMs: openedAtMs + 86_400_000,
      },
    ),
  );
  for (let from = 0; from < size; from += 25) {
    const puts = items.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { 'bench-grants': puts } }));
  }
  client.destroy();
}

function child(file: string) {
  return fork(fileURLToPath(new URL(file, import.meta.url)));
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        open: { type: 'string', default: '1000' },
        sizes: { type: 'string', default: '100,1000,5000' },
        seconds: { type: 'string', default: '5' },
        rounds: { type: 'string', default: '3' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    }
    const whole = (text: string, what: string, least: number) => {
      const number = Number(text);
      if (text === '' || !Number.isInteger(number) || number < least)
        throw new Error(`--${what} takes whole numbers from ${least}, got "${text}"`);
      return number;
    };
    return {
      open: whole(values.open, 'open', 0),
      sizes: values.sizes === '' ? [] : values.sizes.split(',').map((text) => whole(text, 'sizes', 1)),
      seconds: whole(values.seconds, 'seconds', 1),
      rounds: whole(values.rounds, 'rounds', 1),
      json: values.json,
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    process.exit(2);
  }
}
