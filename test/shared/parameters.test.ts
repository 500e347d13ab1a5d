import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createListParameters, createSsmClient } from '../../runtime/shared/parameters.ts';
import { ssmContract } from '../support/ssm-contract.ts';
import { startSsmDouble } from '../support/ssm-double.ts';

ssmContract('our double of SSM', startSsmDouble);

test('an SSM that refuses, breaks or never ends its list is an error, never half a list', async (t) => {
  const ssm = await startSsmDouble();
  const client = createSsmClient({ ...ssm, attemptsMax: 1 });
  t.after(async () => {
    client.destroy();
    await ssm.close();
  });
  for (let i = 0; i < 12; i += 1) ssm.parameters.set(`/a/${i}`, 'x');
  const list = createListParameters(client);
  ssm.failure = { status: 400, type: 'AccessDeniedException' };
  await assert.rejects(list('/a'), { name: 'AccessDeniedException' });
  ssm.failure = { status: 500, type: 'InternalServerError' };
  await assert.rejects(list('/a'));
  ssm.failure = undefined;
  assert.equal((await list('/a')).size, 12);
  const endless = { send: async () => ({ Parameters: [{ Name: '/a/x', Value: 'x' }], NextToken: 'more' }) };
  await assert.rejects(createListParameters(endless as never)('/a'), /more than 500 pages/);
});
