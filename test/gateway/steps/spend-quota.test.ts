import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Allowed, Obligation } from '../../../runtime/contract/decision.ts';
import type { Tool } from '../../../runtime/contract/registry.ts';
import { createQuotaCounter, type QuotaCounter } from '../../../runtime/gateway/clients/quota-counter.ts';
import { spendMessage, spendQuota } from '../../../runtime/gateway/steps/spend-quota.ts';
import type { PolicyClient, Verdict } from '../../../runtime/shared/policy-client.ts';
import type { QuotaInput } from '../../../runtime/shared/policy-inputs.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import { sampleCaller } from '../../support/caller.ts';
import { sampleServer, sampleTool, sampleVersion } from '../../support/catalogue.ts';
import { openTestPolicy } from '../../support/gateway-world.ts';
import { openTestDynamo, tablePrefix } from '../../support/local-dynamo.ts';

const nowMs = 1_795_000_020_000;
const quota = (limit: number): Obligation => ({ type: 'quota', limit, window_ms: 60_000 });
const allowed = (...obligations: readonly Obligation[]): Allowed => ({
  allow: true,
  reasons: [],
  obligations,
  revision: 'abcdefabcdef',
});
const caller = sampleCaller();

function toolNamed(name: string): Tool {
  const entry = sampleTool({ name });
  const version = sampleVersion('http://127.0.0.1:1/mcp', [entry]);
  return { entry, version, server: sampleServer('echo', [version]) };
}

async function counterOn(t: Parameters<typeof openTestDynamo>[0]): Promise<QuotaCounter> {
  const { client } = await openTestDynamo(t);
  return createQuotaCounter({ client, tablePrefix, now: () => nowMs, deadlineMs: 20_000 });
}

/** Policy's quota rule in the hands of the test, with what it was asked. */
function policySaying(answer: Partial<Verdict>) {
  const asked: QuotaInput[] = [];
  const policy = {
    tenant: () => undefined,
    quota: (input: QuotaInput) => {
      asked.push(input);
      return { allow: true, reasons: [], revision: 'abcdefabcdef', ...answer };
    },
  };
  return { asked, policy: policy as unknown as PolicyClient };
}

test('each call is counted, and the rule of the real policy has the last word', async (t) => {
  const { policy, close } = await openTestPolicy({ acme: { tools_by_role: {}, calls_per_minute: { echo: 60 } } });
  t.after(close);
  const deps = { quota: await counterOn(t), policy, now: () => nowMs };
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, () => spendQuota(caller, toolNamed('echo'), allowed(quota(60)), deps)),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 60);
  const remaining = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.remaining] : []));
  assert.equal(Math.min(...remaining), 0);
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    assert.ok(outcome.reason instanceof Refusal && outcome.reason.code === 'quota_exceeded');
    assert.equal(outcome.reason.details.retryAfterMs, 60_000);
  }
});

test('a limit that policy lowered since it decided holds at once, with the time until the next window', async (t) => {
  const { policy, close } = await openTestPolicy({ acme: { tools_by_role: {}, calls_per_minute: { echo: 2 } } });
  t.after(close);
  const deps = { quota: await counterOn(t), policy, now: () => nowMs + 10_000 };
  const spend = () => spendQuota(caller, toolNamed('echo'), allowed(quota(60)), deps);
  await spend();
  await spend();
  await assert.rejects(spend(), (error) => {
    assert.ok(error instanceof Refusal && error.code === 'quota_exceeded');
    assert.deepEqual(error.details, { policyReasons: ['quota_exceeded'], retryAfterMs: 50_000 });
    return true;
  });
});

test('a call that policy named no limit for is not counted for the tool, and the rule says no', async (t) => {
  const { policy, close } = await openTestPolicy({ acme: { tools_by_role: {} } });
  t.after(close);
  const deps = { quota: await counterOn(t), policy, now: () => nowMs };
  await assert.rejects(spendQuota(caller, toolNamed('echo'), allowed(), deps), (error) => {
    assert.ok(error instanceof Refusal && error.code === 'policy_denied');
    assert.deepEqual(error.details.policyReasons, ['counter_missing']);
    return true;
  });
});

test('the rule is asked about the tool under its registered name, with the ordinal of this call', async (t) => {
  const { asked, policy } = policySaying({});
  const deps = { quota: await counterOn(t), policy, now: () => nowMs };
  await spendQuota(caller, toolNamed('echo'), allowed(quota(60)), deps);
  await spendQuota(caller, toolNamed('echo'), allowed(quota(60)), deps);
  assert.deepEqual(asked, [
    { tool: 'echo', counters: { tool_minute: 1 } },
    { tool: 'echo', counters: { tool_minute: 2 } },
  ]);
});

test('a call that cannot be counted does not reach the rule', async () => {
  const { asked, policy } = policySaying({});
  const gone = { take: () => Promise.reject(new Refusal('quota_unavailable')) };
  await assert.rejects(
    spendQuota(caller, toolNamed('echo'), allowed(quota(60)), { quota: gone, policy, now: () => nowMs }),
    (error) => error instanceof Refusal && error.code === 'quota_unavailable',
  );
  assert.deepEqual(asked, []);
});

test('a message that calls no tool spends from the buckets alone', async (t) => {
  const deps = { quota: await counterOn(t) };
  assert.deepEqual(await spendMessage(caller, deps), { quota: 'spent', remaining: 199 });
  const outcomes = await Promise.allSettled(Array.from({ length: 250 }, () => spendMessage(caller, deps)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 199);
});
