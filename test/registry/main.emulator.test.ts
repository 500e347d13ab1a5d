import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DeleteParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { tables } from '../../runtime/contract/tables.ts';
import { createTables } from '../../runtime/local/dynamo.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { createDynamoClient } from '../../runtime/shared/dynamo.ts';
import { createSsmClient } from '../../runtime/shared/parameters.ts';
import { declarationOf } from '../support/declaration-world.ts';
import { startMinistack } from '../support/ministack.ts';
import { sampleCapability, sampleManifest, startToolServer } from '../support/tool-server.ts';

const mainFile = fileURLToPath(new URL('../../runtime/registry/main.ts', import.meta.url));
const tablePrefix = 'registry-';

test("two registries on an emulator's SSM and DynamoDB register, withdraw and bring back what is declared", async (t) => {
  const aws = await startMinistack();
  t.after(() => aws.close());
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-registry-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const client = createDynamoClient({ ...aws, requestTimeoutMs: 10_000 });
  const ssm = createSsmClient({ ...aws, requestTimeoutMs: 10_000 });
  t.after(() => {
    client.destroy();
    ssm.destroy();
  });
  await createTables(client, tablePrefix, tables);
  const server = await startToolServer(t);
  server.manifest = sampleManifest(server.origin, [sampleCapability({ name: 'echo.read' })]);
  const Name = '/toolgate/test/servers/echo';
  const declare = () =>
    ssm.send(new PutParameterCommand({ Name, Type: 'String', Value: JSON.stringify(declarationOf(server)) }));
  await declare();

  const children = ['registry-a', 'registry-b'].map((writer) =>
    spawn(process.execPath, [mainFile], {
      stdio: 'ignore',
      env: {
        HOST: '127.0.0.1',
        PORT: '0',
        GATEWAY_URL: 'http://localhost:4400',
        AUTHORIZATION_ISSUER: 'http://localhost:4401',
        DECLARATIONS_PATH: '/toolgate/test/servers',
        DECLARATIONS_POLL_MS: '200',
        TOOLGATE_LOOPBACK_SERVERS: 'on',
        TABLE_PREFIX: tablePrefix,
        AWS_ENDPOINT_URL: aws.endpoint,
        AWS_REGION: aws.region,
        AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
        AUDIT_DIR: join(folder, 'audit'),
        AUDIT_WRITER: writer,
      },
    }),
  );
  t.after(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const ended = children.map((child) => once(child, 'close'));
  const store = createCatalogueStore({ client, tablePrefix });
  const becomes = async (status: string) => {
    for (let i = 0; i < 300; i += 1) {
      if ((await store.get('echo'))?.versions[0]?.status === status) return;
      await delay(100);
    }
    assert.fail(`never ${status}`);
  };
  await becomes('active');
  await ssm.send(new DeleteParameterCommand({ Name }));
  await becomes('disabled');
  await declare();
  await becomes('active');
  for (const child of children) child.kill('SIGTERM');
  assert.deepEqual(await Promise.all(ended), [
    [0, null],
    [0, null],
  ]);
});
