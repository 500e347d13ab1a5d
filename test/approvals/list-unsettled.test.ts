import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createListUnsettled } from '../../runtime/approvals/list-unsettled.ts';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';

test('a long list is kept for a millisecond a request, a short one is read anew, and who asks at once reads once', async () => {
  let reads = 0;
  let length = 1000;
  const clock = { ms: 1_795_000_000_000 };
  const list = createListUnsettled(
    async () => {
      reads += 1;
      return Array.from({ length }, () => ({}) as ApprovalRequest);
    },
    () => clock.ms,
  );
  await Promise.all([list(), list()]);
  assert.equal(reads, 1);
  clock.ms += 999;
  assert.equal((await list()).length, 1000);
  assert.equal(reads, 1);
  clock.ms += 1;
  length = 200;
  await list();
  await list();
  assert.equal(reads, 3);
});

test('a list that cannot be read is no list, and is read again', async () => {
  let reads = 0;
  const list = createListUnsettled(
    async () => {
      reads += 1;
      if (reads === 1) throw new Error('away');
      return [];
    },
    () => 0,
  );
  await assert.rejects(list(), /away/);
  assert.deepEqual(await list(), []);
});
