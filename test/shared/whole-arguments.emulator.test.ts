import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../runtime/contract/json.ts';
import { tables } from '../../runtime/contract/tables.ts';
import { shownBytesMax } from '../../runtime/gateway/approval/shown-arguments.ts';
import { createTables } from '../../runtime/local/dynamo.ts';
import { createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { createDynamoClient } from '../../runtime/shared/dynamo.ts';
import { sampleQuestion } from '../support/approval.ts';
import { startDynamoDbLocal } from '../support/dynamodb-local.ts';

test('the longest arguments that people can be shown fit in an item of DynamoDB Local, which bounds it', async (t) => {
  const dynamo = await startDynamoDbLocal();
  const client = createDynamoClient(dynamo);
  t.after(async () => {
    client.destroy();
    await dynamo.close();
  });
  await createTables(client, 'longest-', tables);
  const approvals = createApprovalStore({ client, tablePrefix: 'longest-', deadlineMs: 30_000 });
  const nowMs = 1_795_000_020_000;
  const ofBytes = (bytes: number): JsonObject => ({ text: `x${'é'.repeat((bytes - 12) / 2)}` });
  const longest = ofBytes(shownBytesMax);
  assert.equal(Buffer.byteLength(JSON.stringify(longest)), shownBytesMax);
  const request = await approvals.open(sampleQuestion({ arguments: longest }), nowMs);
  assert.deepEqual(await approvals.wholeArguments(request), longest);
  const tooLong = sampleQuestion({ arguments: ofBytes(500_000), argumentsSha256: 'b'.repeat(64) });
  await assert.rejects(approvals.open(tooLong, nowMs), { code: 'approval_unavailable' });
  assert.equal((await approvals.listUnsettled()).length, 1);
});
