import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { tables } from '../../../runtime/contract/tables.ts';
import { createTables } from '../../../runtime/local/dynamo.ts';
import { createDynamoClient } from '../../../runtime/shared/dynamo.ts';
import { silentLogger } from '../../../runtime/shared/logger.ts';
import { createSsmClient } from '../../../runtime/shared/parameters.ts';
import { createPolicyClient } from '../../../runtime/shared/policy-client.ts';
import { openPolicySource } from '../../../runtime/shared/policy-source/open-policy-source.ts';
import { startMinistack } from '../../support/ministack.ts';
import { policyFile, policyFiles } from '../../support/policy-file.ts';

test('a policy comes from the S3 and SSM of an emulator, found as in a deployment', async (t) => {
  const { endpoint, region, credentials, close } = await startMinistack('dynamodb,s3,ssm');
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-source-'));
  const saved = { ...process.env };
  const clients = {
    dynamo: createDynamoClient({ endpoint, region, credentials, requestTimeoutMs: 10_000 }),
    s3: new S3Client({ endpoint, region, credentials, forcePathStyle: true }),
    ssm: createSsmClient({ endpoint, region, credentials, requestTimeoutMs: 10_000 }),
  };
  t.after(async () => {
    process.env = saved;
    for (const client of Object.values(clients)) client.destroy();
    await close();
    await rm(folder, { recursive: true, force: true });
  });
  await createTables(clients.dynamo, 'source-', tables);
  await clients.s3.send(new CreateBucketCommand({ Bucket: 'assets' }));
  const publish = async (version: number, tenant: string) => {
    const files = await policyFiles({ [tenant]: { tools_by_role: {}, servers_by_role: {} } });
    const { bytes, pointer } = policyFile(files, version);
    await clients.s3.send(new PutObjectCommand({ Bucket: pointer.bucket, Key: pointer.key, Body: bytes }));
    const Value = JSON.stringify(pointer);
    await clients.ssm.send(new PutParameterCommand({ Name: '/a/policy', Value, Type: 'String', Overwrite: true }));
  };

  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  });
  const policyDir = join(folder, 'policy');
  let placed = 0;
  const source = await openPolicySource({
    parameter: '/a/policy',
    folder: policyDir,
    region,
    client: clients.dynamo,
    tablePrefix: 'source-',
    logger: silentLogger(),
    pollMs: 0,
    onPlaced: async () => {
      placed += 1;
    },
  });
  t.after(() => source.close());
  await source.look();
  assert.match(source.fault() ?? '', /parameter cannot be read \(ParameterNotFound\)/);
  await publish(4, 'acme');
  await source.look();
  assert.equal(source.fault(), undefined);
  const policy = await createPolicyClient({ folder: policyDir, pollMs: 0 });
  assert.ok(policy.tenant('acme'));
  await publish(3, 'globex');
  await source.look();
  assert.match(source.fault() ?? '', /version 3 is older than 4/);
  await publish(5, 'globex');
  await source.look();
  await policy.reload();
  assert.ok(policy.tenant('globex'));
  assert.equal(placed, 2);
});
