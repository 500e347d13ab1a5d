import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  createQuotaCounter,
  type QuotaCounter,
  type QuotaCounterOptions,
  type QuotaTaken,
} from '../../../runtime/gateway/clients/quota-counter.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import { sampleCaller } from '../../support/caller.ts';
import { openSilentDynamo, openTestDynamo, type TestDynamo, tablePrefix } from '../../support/local-dynamo.ts';

const minute = 60_000;
/** The first millisecond of a window. */
const start = 1_795_000_020_000;
const wide = { perMinute: 60_000_000, burst: 1_000_000_000_000 };
const unlimited = { identity: { human: wide, agent: wide, 'tenant-key': wide }, tenant: wide };
const sixty = { limit: 60, windowMs: minute };

function counterOf(dynamo: Pick<TestDynamo, 'client'>, options: Partial<QuotaCounterOptions> = {}): QuotaCounter {
  // The deadline is far away: these tests are about counts, and a busy machine may be slow.
  return createQuotaCounter({ client: dynamo.client, tablePrefix, now: () => start, deadlineMs: 20_000, ...options });
}

/** What each call got: its count, or the code of its refusal. Anything else fails the test. */
async function settle(calls: readonly Promise<QuotaTaken>[]) {
  const taken: QuotaTaken[] = [];
  const refused: Refusal[] = [];
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === 'fulfilled') taken.push(outcome.value);
    else if (outcome.reason instanceof Refusal) refused.push(outcome.reason);
    else throw outcome.reason;
  }
  return { taken, refused };
}

const refusal = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;
const times = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, i) => make(i));
const oneToSixty = times(60, (i) => i + 1);

function ordinalsOf(taken: readonly QuotaTaken[]): readonly number[] {
  return taken.map(({ ordinal }) => ordinal ?? Number.NaN).sort((a, b) => a - b);
}

suite('a window', () => {
  test('of 60 lets exactly 60 of 200 parallel calls through, and gives each its ordinal', async (t) => {
    const dynamo = await openTestDynamo(t);
    const counter = counterOf(dynamo, { limits: unlimited });
    const { taken, refused } = await settle(times(200, () => counter.take(sampleCaller(), 'echo', sixty)));
    assert.deepEqual(ordinalsOf(taken), oneToSixty);
    assert.equal(refused.length, 140);
    assert.ok(refused.every(({ code, details }) => code === 'quota_exceeded' && details.retryAfterMs === minute));
    assert.ok(taken.every(({ windowEndsAtMs }) => windowEndsAtMs === start + minute));
    assert.match(refused[0]?.message ?? '', /60 calls of this tool in 60 s/);
  });

  test('of 60 lets exactly 60 through when three replicas share 201 parallel calls', async (t) => {
    const dynamo = await openTestDynamo(t);
    const replicas = times(3, () => counterOf({ client: dynamo.createClient() }, { limits: unlimited }));
    const calls = times(201, (i) => (replicas[i % 3] as QuotaCounter).take(sampleCaller(), 'echo', sixty));
    const { taken } = await settle(calls);
    assert.deepEqual(ordinalsOf(taken), oneToSixty);
  });

  test('of 60 lets exactly 60 through when the replicas are three processes', async (t) => {
    const dynamo = await openTestDynamo(t);
    const script = fileURLToPath(new URL('../../support/quota-child.ts', import.meta.url));
    const children = times(3, () => {
      const child = spawn(process.execPath, [script, dynamo.endpoint, tablePrefix, String(start), '67'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      t.after(() => void child.kill());
      return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
    });
    for (const { lines } of children) assert.equal((await lines.next()).value, 'ready');
    for (const { child } of children) child.stdin.end('go\n');
    const answers = await Promise.all(
      children.map(async ({ lines }) => JSON.parse(String((await lines.next()).value))),
    );
    const ordinals = (answers.flat() as number[]).sort((a, b) => a - b);
    assert.deepEqual(ordinals, oneToSixty);
  });

  test('of 60 gives exactly 60 to calls that come one by one, from whichever replica', async (t) => {
    const dynamo = await openTestDynamo(t);
    const replicas = times(3, () => counterOf(dynamo, { limits: unlimited }));
    let taken = 0;
    for (let i = 0; i < 75; i += 1) {
      const { taken: some } = await settle([(replicas[i % 3] as QuotaCounter).take(sampleCaller(), 'echo', sixty)]);
      taken += some.length;
    }
    assert.equal(taken, 60);
  });

  test('at limit - 1 lets one of many parallel calls through', async (t) => {
    const dynamo = await openTestDynamo(t);
    const replicas = times(3, () => counterOf({ client: dynamo.createClient() }, { limits: unlimited }));
    await settle(times(59, () => (replicas[0] as QuotaCounter).take(sampleCaller(), 'echo', sixty)));
    const calls = times(30, (i) => (replicas[i % 3] as QuotaCounter).take(sampleCaller(), 'echo', sixty));
    assert.deepEqual(ordinalsOf((await settle(calls)).taken), [60]);
  });

  test('above 100 is leased, and still never gives more than its limit', async (t) => {
    const dynamo = await openTestDynamo(t);
    const limit = { limit: 1000, windowMs: minute };
    const replicas = times(3, () => counterOf({ client: dynamo.createClient() }, { limits: unlimited }));
    let taken = 0;
    for (let round = 0; round < 40; round += 1) {
      const calls = times(60, (i) => (replicas[i % 3] as QuotaCounter).take(sampleCaller(), 'echo', limit));
      taken += (await settle(calls)).taken.length;
    }
    // What two replicas still hold when the third takes the last unit may go unused: 1 % of the limit each.
    assert.ok(taken <= 1000 && taken >= 970, `${taken}`);
  });

  test('is empty again when the next one starts, and says when that is', async (t) => {
    const dynamo = await openTestDynamo(t);
    let nowMs = start + 20_500;
    const counter = counterOf(dynamo, { limits: unlimited, now: () => nowMs });
    await settle(times(60, () => counter.take(sampleCaller(), 'echo', sixty)));
    const { refused } = await settle([counter.take(sampleCaller(), 'echo', sixty)]);
    assert.equal(refused[0]?.details.retryAfterMs, 39_500);
    nowMs = start + minute - 1;
    await assert.rejects(counter.take(sampleCaller(), 'echo', sixty), refusal('quota_exceeded'));
    nowMs = start + minute;
    assert.equal((await counter.take(sampleCaller(), 'echo', sixty)).ordinal, 1);
  });

  test('is not given again to a clock that is set back, in this process or another', async (t) => {
    const dynamo = await openTestDynamo(t);
    let nowMs = start;
    const counter = counterOf(dynamo, { limits: unlimited, now: () => nowMs });
    await settle(times(60, () => counter.take(sampleCaller(), 'echo', sixty)));
    nowMs -= 10 * minute;
    await assert.rejects(counter.take(sampleCaller(), 'echo', sixty), refusal('quota_exceeded'));
    const restarted = counterOf(dynamo, { limits: unlimited, now: () => nowMs });
    const { refused } = await settle([restarted.take(sampleCaller(), 'echo', sixty)]);
    assert.equal(refused[0]?.code, 'quota_exceeded');
    assert.equal(refused[0]?.details.retryAfterMs, 11 * minute);
  });

  test('belongs to one tenant and one tool, whatever their names try', async (t) => {
    const dynamo = await openTestDynamo(t);
    const counter = counterOf(dynamo, { limits: unlimited });
    const one = { limit: 1, windowMs: minute };
    const names: readonly (readonly [string, string])[] = [
      ['acme', 'echo'],
      ['acme#echo', ''],
      ['acme', 'echo#'],
      ['acme#', 'echo'],
      ['acm', 'eecho'],
      ['1.acme', 'echo'],
      ['ACME', 'echo'],
      ['acme', 'ech\u043e'],
      ['acme","echo', ''],
      ['acme\u0000', 'echo'],
      ['acme\ud800', 'echo'],
      ['acme\ud801', 'echo'],
      ['../acme', 'echo'],
    ];
    for (const [tenant, tool] of names) {
      assert.equal(
        (await counter.take(sampleCaller({ tenant }), tool, one)).ordinal,
        1,
        JSON.stringify([tenant, tool]),
      );
    }
    for (const [tenant, tool] of names) {
      const call = counter.take(sampleCaller({ tenant }), tool, one);
      await assert.rejects(call, refusal('quota_exceeded'), JSON.stringify([tenant, tool]));
    }
  });

  test('of nothing lets nothing through and writes nothing', async (t) => {
    const dynamo = await openTestDynamo(t);
    const counter = counterOf(dynamo, { limits: unlimited });
    await assert.rejects(
      counter.take(sampleCaller(), 'echo', { limit: 0, windowMs: minute }),
      refusal('quota_exceeded'),
    );
  });

  test('follows a limit that policy changes in the middle of it', async (t) => {
    const dynamo = await openTestDynamo(t);
    const counter = counterOf(dynamo, { limits: unlimited });
    const take = (limit: number) => counter.take(sampleCaller(), 'echo', { limit, windowMs: minute });
    await settle(times(5, () => take(5)));
    await assert.rejects(take(5), refusal('quota_exceeded'));
    await assert.rejects(take(3), refusal('quota_exceeded'));
    assert.ok((await take(20)).ordinal !== undefined);
  });
});

suite('a bucket', () => {
  test('of a person holds 200 calls, of an agent 1,000, and refills by the minute', async (t) => {
    const dynamo = await openTestDynamo(t);
    let nowMs = start;
    const counter = counterOf(dynamo, { now: () => nowMs });
    const human = sampleCaller();
    const agent = sampleCaller({ subject: 'agent-1', kind: 'agent' });
    const takeMany = (caller: typeof human, count: number) =>
      settle(times(count, () => counter.take(caller, undefined, undefined)));
    const people = await takeMany(human, 250);
    assert.equal(people.taken.length, 200);
    assert.equal(people.refused[0]?.details.retryAfterMs, 600);
    assert.match(people.refused[0]?.message ?? '', /100 calls a minute for one caller/);
    const agents = await takeMany(agent, 1200);
    assert.equal(agents.taken.length, 1000);
    assert.equal(agents.refused[0]?.details.retryAfterMs, 120);
    nowMs += 599;
    assert.equal((await takeMany(human, 5)).taken.length, 0);
    nowMs += 1;
    assert.equal((await takeMany(human, 5)).taken.length, 1);
    nowMs += minute;
    assert.equal((await takeMany(human, 150)).taken.length, 100);
  });

  test('is one for all replicas: three of them give 200 together', async (t) => {
    const dynamo = await openTestDynamo(t);
    const replicas = times(3, () => counterOf({ client: dynamo.createClient() }));
    const calls = times(300, (i) => (replicas[i % 3] as QuotaCounter).take(sampleCaller(), undefined, undefined));
    assert.equal((await settle(calls)).taken.length, 200);
  });

  test('of a tenant is shared by its callers and says so', async (t) => {
    const dynamo = await openTestDynamo(t);
    const limits = { identity: unlimited.identity, tenant: { perMinute: 60, burst: 30 } };
    const counter = counterOf(dynamo, { limits });
    const { taken, refused } = await settle(
      times(50, (i) => counter.take(sampleCaller({ subject: `user-${i}` }), 'echo', undefined)),
    );
    assert.equal(taken.length, 30);
    assert.match(refused[0]?.message ?? '', /60 calls a minute for a tenant/);
    await counter.take(sampleCaller({ tenant: 'globex' }), 'echo', undefined);
  });

  test('of one caller is not that of another tenant, issuer, kind or subject', async (t) => {
    const dynamo = await openTestDynamo(t);
    const one = { perMinute: 1, burst: 1 };
    const counter = counterOf(dynamo, {
      limits: { identity: { human: one, agent: one, 'tenant-key': one }, tenant: wide },
    });
    const callers = [
      {},
      { tenant: 'globex' },
      { issuer: 'https://issuer.tes', subject: 'tuser-1' },
      { kind: 'agent' },
      { subject: 'user-1 ' },
      { subject: 'USER-1' },
    ] as const;
    for (const changes of callers) await counter.take(sampleCaller(changes), undefined, undefined);
    const again = await settle(callers.map((changes) => counter.take(sampleCaller(changes), undefined, undefined)));
    assert.equal(again.refused.length, callers.length);
  });

  test('is not filled by a clock that is set back', async (t) => {
    const dynamo = await openTestDynamo(t);
    let nowMs = start;
    const counter = counterOf(dynamo, { now: () => nowMs });
    await settle(times(200, () => counter.take(sampleCaller(), undefined, undefined)));
    nowMs -= 60 * minute;
    await assert.rejects(counter.take(sampleCaller(), undefined, undefined), refusal('quota_exceeded'));
    const restarted = counterOf(dynamo, { now: () => nowMs });
    await assert.rejects(restarted.take(sampleCaller(), undefined, undefined), refusal('quota_exceeded'));
  });

  test('spends nothing of the tenant on a caller who is over the limit', async (t) => {
    const dynamo = await openTestDynamo(t);
    const small = { perMinute: 1, burst: 1 };
    const limits = {
      identity: { human: small, agent: wide, 'tenant-key': wide },
      tenant: { perMinute: 2, burst: 2 },
    };
    const counter = counterOf(dynamo, { limits });
    await settle(times(100, () => counter.take(sampleCaller(), undefined, undefined)));
    await counter.take(sampleCaller({ subject: 'other' }), undefined, undefined);
  });
});

suite('the store', () => {
  test('is written once for calls at the same time, and not at all by a storm of retries', async (t) => {
    const dynamo = await openTestDynamo(t);
    const counter = counterOf(dynamo);
    const writes = () => dynamo.sent.get('UpdateItemCommand') ?? 0;
    await settle(times(60, () => counter.take(sampleCaller(), 'echo', sixty)));
    assert.ok(writes() <= 4, `${writes()}`);
    await settle([counter.take(sampleCaller(), 'echo', sixty)]);
    const before = writes();
    for (let i = 0; i < 500; i += 1) await settle([counter.take(sampleCaller(), 'echo', sixty)]);
    assert.equal(writes(), before);
  });

  test('is asked less than once in 50 calls of a large limit', async (t) => {
    const dynamo = await openTestDynamo(t);
    const counter = counterOf(dynamo, { limits: unlimited });
    const window = { limit: 1_000_000, windowMs: minute };
    for (let i = 0; i < 3000; i += 1) await counter.take(sampleCaller(), 'echo', window);
    assert.ok((dynamo.sent.get('UpdateItemCommand') ?? 0) < 60, `${dynamo.sent.get('UpdateItemCommand')}`);
  });

  test('gets nothing back from a lease that is not used in time, and nobody else loses it twice', async (t) => {
    const dynamo = await openTestDynamo(t);
    let nowMs = start;
    const limits = { identity: unlimited.identity, tenant: { perMinute: 6000, burst: 300 } };
    const options = { limits, now: () => nowMs };
    const [idle, busy] = [counterOf(dynamo, options), counterOf({ client: dynamo.createClient() }, options)];
    for (let i = 0; i < 20; i += 1) await idle.take(sampleCaller(), undefined, undefined);
    const { taken } = await settle(times(400, () => busy.take(sampleCaller(), undefined, undefined)));
    assert.ok(taken.length <= 280 && taken.length >= 220, `${taken.length}`);
    // The lease of the idle replica is void by now, so it asks, and the bucket has refilled by 150.
    nowMs += 1500;
    const later = await settle(times(200, () => idle.take(sampleCaller(), undefined, undefined)));
    assert.ok(later.taken.length <= 150, `${later.taken.length}`);
  });

  test('that is gone refuses every call, also while leases of other limits are in hand', async (t) => {
    const dynamo = await openTestDynamo(t);
    const counter = counterOf(dynamo, { deadlineMs: 5000 });
    await counter.take(sampleCaller(), 'echo', sixty);
    await dynamo.stop();
    const { taken, refused } = await settle(times(20, () => counter.take(sampleCaller(), 'echo', sixty)));
    assert.equal(taken.length, 0);
    assert.ok(refused.every(({ code }) => code === 'quota_unavailable'));
    assert.ok(refused[0]?.cause instanceof Error);
  });

  test('that takes connections and never answers refuses every call at its deadline', async (t) => {
    const client = await openSilentDynamo(t);
    const counter = createQuotaCounter({ client, tablePrefix, now: () => start, deadlineMs: 100 });
    const started = performance.now();
    const { refused } = await settle(times(50, () => counter.take(sampleCaller(), 'echo', sixty)));
    assert.equal(refused.length, 50);
    assert.ok(refused.every(({ code }) => code === 'quota_unavailable'));
    // A hundred times the deadline: not a measurement, only that nothing waits for the SDK's own patience.
    assert.ok(performance.now() - started < 10_000);
  });

  test('that answers again is used again', async (t) => {
    const dynamo = await openTestDynamo(t);
    let isBroken = true;
    dynamo.client.middlewareStack.add(
      (next) => (args) => {
        if (isBroken) throw new Error('broken');
        return next(args);
      },
      { step: 'initialize' },
    );
    const counter = counterOf(dynamo);
    await assert.rejects(counter.take(sampleCaller(), 'echo', sixty), refusal('quota_unavailable'));
    isBroken = false;
    assert.equal((await counter.take(sampleCaller(), 'echo', sixty)).ordinal, 1);
  });

  test('keeps no name of a caller, and forgets what is over', async (t) => {
    const dynamo = await openTestDynamo(t);
    const counter = counterOf(dynamo);
    await counter.take(sampleCaller({ subject: 'ada@example.com' }), 'echo', sixty);
    const { ScanCommand } = await import('@aws-sdk/client-dynamodb');
    const { Items = [] } = await dynamo.client.send(new ScanCommand({ TableName: `${tablePrefix}quota` }));
    assert.equal(Items.length, 3);
    assert.ok(!JSON.stringify(Items).includes('ada'));
    for (const item of Items) {
      const expiresAtMs = Number(item.expires_at?.N) * 1000;
      assert.ok(expiresAtMs > start + 23 * 3_600_000 && expiresAtMs < start + 26 * 3_600_000);
    }
  });
});

test('memory is bounded: a forgotten limit is found again in the store', async (t) => {
  const dynamo = await openTestDynamo(t);
  const counter = counterOf(dynamo, { keysMax: 2, limits: unlimited });
  const one = { limit: 1, windowMs: minute };
  for (const tool of ['a', 'b', 'c', 'd']) await counter.take(sampleCaller(), tool, one);
  for (const tool of ['a', 'b', 'c', 'd']) {
    await assert.rejects(counter.take(sampleCaller(), tool, one), refusal('quota_exceeded'));
  }
});
