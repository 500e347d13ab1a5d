import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApprovalRequest } from '../../../runtime/contract/approval.ts';
import { createDecisionWatch } from '../../../runtime/gateway/approval/decision-watch.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import { askedApprovals } from '../../support/approvals.ts';
import { sampleGrant } from '../../support/grant.ts';

const minute = 60_000;
const signal = () => new AbortController().signal;
const isCode = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

async function openRequest(): Promise<ApprovalRequest> {
  const question = { ...sampleGrant(), callId: 'call-1', clientName: 'test', words: '', arguments: {}, reasons: [] };
  return askedApprovals().open(question, 1000);
}

test('a hundred calls that wait for one answer share one look at a time, and all hear it', async () => {
  const request = await openRequest();
  let looks = 0;
  const watch = createDecisionWatch({
    pollMs: 5,
    listClosed: async () => {
      looks += 1;
      return looks < 4 ? [] : [{ ...request, state: 'approved' }];
    },
  });
  const waits = Array.from({ length: 100 }, () => watch.wait(request, { holdMs: minute, signal: signal() }));
  const answers = await Promise.all(waits);
  assert.ok(answers.every(({ state }) => state === 'approved'));
  assert.equal(looks, 4);
});

test('calls that wait for a thousand answers share one look at a time, and each hears its own', async () => {
  const request = await openRequest();
  const requests = Array.from({ length: 1000 }, (_, n) => ({ ...request, id: `approval-${n}` }));
  const asked: number[] = [];
  const watch = createDecisionWatch({
    pollMs: 5,
    listClosed: async (waited) => {
      asked.push(waited.length);
      const isLast = asked.length === 3;
      return waited.filter(({ id }) => isLast || id.endsWith('7')).map((each) => ({ ...each, state: 'approved' }));
    },
  });
  const answers = await Promise.all(requests.map((each) => watch.wait(each, { holdMs: minute, signal: signal() })));
  assert.deepEqual(
    answers.map(({ id, state }) => [id, state]),
    requests.map(({ id }) => [id, 'approved']),
  );
  assert.deepEqual(asked, [1000, 900, 900]);
});

test('a wait ends with the request as it stands when its time is over', async () => {
  const request = await openRequest();
  const watch = createDecisionWatch({ pollMs: 1, listClosed: async () => [] });
  assert.equal((await watch.wait(request, { holdMs: 20, signal: signal() })).state, 'open');
});

test('no wait, no look: for a decided request, for no time, and beyond the most that may wait', async () => {
  const request = await openRequest();
  const watch = createDecisionWatch({ waitersMax: 0, listClosed: () => assert.fail('not looked for') });
  const decided: ApprovalRequest = { ...request, state: 'denied' };
  assert.equal(await watch.wait(decided, { holdMs: minute, signal: signal() }), decided);
  assert.equal(await watch.wait(request, { holdMs: 0, signal: signal() }), request);
  assert.equal(await watch.wait(request, { holdMs: minute, signal: signal() }), request);
});

test('a store that is away for a moment ends no wait; one that stays away is no answer', async () => {
  const request = await openRequest();
  let looks = 0;
  const away = () => {
    throw new Refusal('approval_unavailable');
  };
  const back = createDecisionWatch({
    pollMs: 1,
    listClosed: async () => {
      looks += 1;
      return looks < 3 ? away() : [{ ...request, state: 'approved' }];
    },
  });
  assert.equal((await back.wait(request, { holdMs: minute, signal: signal() })).state, 'approved');
  const gone = createDecisionWatch({ pollMs: 1, listClosed: async () => away() });
  await assert.rejects(gone.wait(request, { holdMs: 50, signal: signal() }), isCode('approval_unavailable'));
});

test('a client that leaves ends its own wait, and the looking when nobody else waits', async () => {
  const request = await openRequest();
  const left = new AbortController();
  const watch = createDecisionWatch({ pollMs: 2 ** 30, listClosed: () => assert.fail('nobody waits') });
  const wait = watch.wait(request, { holdMs: minute, signal: left.signal });
  left.abort();
  await assert.rejects(wait, isCode('client_cancelled'));
  // Nothing is left that would keep this process alive.
});

test('a replica that shuts down lets everybody go, and keeps nobody after', async () => {
  const request = await openRequest();
  const watch = createDecisionWatch({ pollMs: minute, listClosed: async () => [] });
  const wait = watch.wait(request, { holdMs: minute, signal: signal() });
  watch.release();
  assert.equal((await wait).state, 'open');
  assert.equal((await watch.wait(request, { holdMs: minute, signal: signal() })).state, 'open');
});
