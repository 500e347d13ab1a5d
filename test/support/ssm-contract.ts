import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import {
  DeleteParameterCommand,
  GetParameterCommand,
  GetParametersByPathCommand,
  PutParameterCommand,
} from '@aws-sdk/client-ssm';
import {
  createListParameters,
  createSsmClient,
  type SSMClient,
  type SsmOptions,
} from '../../runtime/shared/parameters.ts';

interface RunningSsm extends Required<Pick<SsmOptions, 'endpoint' | 'region' | 'credentials'>> {
  close(): Promise<void>;
}

/** What we take for granted of SSM's parameters: held against every implementation that a test or a deployment uses. */
export function ssmContract(name: string, start: () => Promise<RunningSsm>): void {
  suite(`the parameters of ${name}`, () => {
    let ssm: RunningSsm;
    let client: SSMClient;
    before(async () => {
      ssm = await start();
      client = createSsmClient({ ...ssm, requestTimeoutMs: 10_000 });
    });
    after(async () => {
      client.destroy();
      await ssm.close();
    });
    const put = (Name: string, Value: string, more: object = {}) =>
      client.send(new PutParameterCommand({ Name, Value, Type: 'String', ...more }));

    test('are listed right below a path, over all pages, and nothing else is', async () => {
      const names = Array.from({ length: 23 }, (_, i) => `server-${String(i).padStart(2, '0')}`);
      for (const each of names) await put(`/contract/list/${each}`, `value of ${each}`);
      await put('/contract/list/server-00/deeper', 'deeper');
      await put('/contract/list-of-others/other', 'other');
      const found = await createListParameters(client)('/contract/list');
      assert.deepEqual([...found.keys()].sort(), names);
      assert.equal(found.get('server-07'), 'value of server-07');
    });

    test('of a path that has none are an empty list, not an error', async () => {
      assert.equal((await createListParameters(client)('/contract/nothing')).size, 0);
    });

    test('come ten a page at most, with a token for the next', async () => {
      for (let i = 0; i < 11; i += 1) await put(`/contract/pages/p${i}`, 'x');
      const first = await client.send(new GetParametersByPathCommand({ Path: '/contract/pages', MaxResults: 10 }));
      assert.equal(first.Parameters?.length, 10);
      assert.ok(first.NextToken);
    });

    test('are written anew only when that is asked for, and keep every character', async () => {
      const value = JSON.stringify({ words: 'read “invoices” — all of them', n: 1 });
      await put('/contract/one', value);
      await assert.rejects(put('/contract/one', 'again'), { name: 'ParameterAlreadyExists' });
      const read = async () => (await client.send(new GetParameterCommand({ Name: '/contract/one' }))).Parameter?.Value;
      assert.equal(await read(), value);
      await put('/contract/one', 'again', { Overwrite: true });
      assert.equal(await read(), 'again');
    });

    test('are gone once deleted', async () => {
      await put('/contract/gone', 'x');
      await client.send(new DeleteParameterCommand({ Name: '/contract/gone' }));
      await assert.rejects(client.send(new GetParameterCommand({ Name: '/contract/gone' })), {
        name: 'ParameterNotFound',
      });
    });
  });
}
