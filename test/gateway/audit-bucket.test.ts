import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tables } from '../../runtime/contract/tables.ts';
import { createTables, startDynamo } from '../../runtime/local/dynamo.ts';
import { findRecords } from '../../runtime/shared/audit/show-records.ts';
import { verifyAuditDirectory } from '../../runtime/shared/audit/verify-audit-directory.ts';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';
import { localAuditBucket } from '../support/audit-bucket.ts';
import { testFolder } from '../support/audit-events.ts';
import { startKmsDouble } from '../support/kms-double.ts';

const mainFile = fileURLToPath(new URL('../../runtime/gateway/main.ts', import.meta.url));
const policiesFolder = fileURLToPath(new URL('../../policies', import.meta.url));

/** The gateway's own process with its record in a bucket, its clients as the SDK makes them from the environment. */
async function startOnBucket(t: TestContext) {
  const folder = testFolder(t);
  const bucket = await localAuditBucket(t);
  const kms = await startKmsDouble();
  t.after(() => kms.close());
  const dynamo = await startDynamo();
  t.after(() => dynamo.close());
  const client = dynamo.createClient();
  await createTables(client, 'bucket-', tables);
  client.destroy();
  await assemblePolicyBundle(policiesFolder, join(folder, 'policy'));
  const child = spawn(process.execPath, [mainFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      PUBLIC_URL: 'http://gateway.test',
      ALLOWED_HOSTS: 'gateway.test',
      ISSUERS: 'https://issuer.test=https://issuer.test/jwks',
      POLICY_DIR: join(folder, 'policy'),
      AUDIT_BUCKET: bucket.bucket,
      AUDIT_KMS_KEY_ID: kms.keyId,
      TABLE_PREFIX: 'bucket-',
      DYNAMODB_ENDPOINT: dynamo.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
      AWS_ENDPOINT_URL_S3: bucket.endpoint,
      AWS_ENDPOINT_URL_KMS: kms.endpoint,
    },
  });
  t.after(() => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes('"the gateway listens"'))
      return { child, url: JSON.parse(line).url as string, bucket, copy: () => bucket.copy(join(folder, 'copy')) };
  throw new Error('the gateway ended');
}

test('the gateway process keeps its record in a bucket, and ends it signed on SIGTERM', async (t) => {
  const { child, url, copy } = await startOnBucket(t);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  const answer = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  });
  await answer.text();
  const stored = await findRecords(await copy(), { last: 10 });
  assert.deepEqual(
    stored.map(({ record: { event, outcome } }) => [event, outcome]).sort(),
    [
      ['http_refusal', 'refused'],
      ['writer_started', 'ok'],
    ],
    `stored before the answer ${answer.status}`,
  );
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  assert.deepEqual(await closed, [0, null]);
  const { findings, chains } = await verifyAuditDirectory(await copy());
  assert.deepEqual(findings, []);
  assert.deepEqual(
    chains.map(({ tenant, records, signedSeq, notes }) => [tenant, records, signedSeq, notes]),
    [['_unknown', 3, 3, []]],
  );
  assert.match(chains[0]?.writer ?? '', /^gateway-\d{8}t\d{6}-[0-9a-f]{12}$/);
});
