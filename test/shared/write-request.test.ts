import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantTable } from '../../runtime/contract/tables.ts';
import { createWriteRequest } from '../../runtime/shared/write-request.ts';
import { sampleQuestion } from '../support/approval.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';

test('whoever asks the same while its record fails is refused with it, and tries no record of their own', async (t) => {
  const { client } = await openTestDynamo(t);
  const write = createWriteRequest({
    client,
    TableName: `${tablePrefix}${grantTable.name}`,
    deadline: () => ({ abortSignal: AbortSignal.timeout(30_000) }),
  });
  let records = 0;
  const record = async () => {
    records += 1;
    throw new Error('ENOSPC');
  };
  const asked = { requestId: 'request-1', callId: 'call-1', openedAtMs: 0, expiresAtMs: 60_000 };
  const all = await Promise.allSettled([1, 2, 3].map(() => write(sampleQuestion(), asked, record)));
  assert.deepEqual(
    all.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  );
  assert.equal(records, 1);
  await assert.rejects(write(sampleQuestion(), asked, record), /ENOSPC/);
  assert.equal(records, 2, 'the next one does');
});
