import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AuditEvent } from '../../../runtime/contract/audit-event.ts';
import type { RefusalCode } from '../../../runtime/contract/refusal-codes.ts';
import { limitStrangers } from '../../../runtime/shared/audit/limit-strangers.ts';
import { silentLogger } from '../../../runtime/shared/logger.ts';
import { auditEvent } from '../../support/audit-events.ts';
import { createMemoryAudit } from '../../support/memory-audit.ts';

function refusalOf(tenant: string, code: RefusalCode): AuditEvent {
  return auditEvent({ event: 'http_refusal', outcome: 'refused', tenant, code });
}

function open(recordsPerInterval: number, t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const memory = createMemoryAudit();
  const limited = limitStrangers(memory, {
    now: () => 1_800_000_000_000,
    logger: silentLogger(),
    recordsPerInterval,
    intervalMs: 1000,
  });
  return { memory, limited };
}

test('the first refusals of strangers are recorded one by one, the rest as one summary by code', async (t) => {
  const { memory, limited } = open(3, t);
  for (let n = 0; n < 1000; n += 1)
    await limited.append(refusalOf('_unknown', n % 4 === 0 ? 'token_invalid' : 'credentials_missing'));
  assert.equal(memory.events.length, 3);

  const summary = memory.next();
  t.mock.timers.tick(1000);
  const { event, tenant, outcome, detail } = await summary;
  assert.deepEqual([event, tenant, outcome], ['refusals_summary', '_unknown', 'refused']);
  assert.deepEqual(detail, {
    since: '2027-01-15T08:00:00.000Z',
    refusals: 997,
    by_code: { credentials_missing: 748, token_invalid: 249 },
  });
});

test('the next interval records strangers one by one again', async (t) => {
  const { memory, limited } = open(1, t);
  await limited.append(refusalOf('_unknown', 'token_invalid'));
  t.mock.timers.tick(1000);
  await limited.append(refusalOf('_unknown', 'token_expired'));
  assert.deepEqual(
    memory.events.map(({ code }) => code),
    ['token_invalid', 'token_expired'],
  );
});

test('known callers and everything but refusals are recorded one by one, however many', async (t) => {
  const { memory, limited } = open(0, t);
  for (let n = 0; n < 50; n += 1) {
    await limited.append(refusalOf('acme', 'policy_denied'));
    await limited.append(auditEvent({ tenant: '_unknown' }));
  }
  assert.equal(memory.events.length, 100);
});

test('counts that could not be recorded are in the next summary, and close records what is left', async (t) => {
  const { memory, limited } = open(0, t);
  await limited.append(refusalOf('_unknown', 'token_invalid'));
  memory.onAppend = () => Promise.reject(new Error('the disk is full'));
  t.mock.timers.tick(1000);
  await limited.append(refusalOf('_unknown', 'token_invalid'));
  memory.onAppend = () => {};
  await limited.close();
  assert.deepEqual(
    memory.events.map(({ detail }) => detail?.by_code),
    [{ token_invalid: 2 }],
  );
});
