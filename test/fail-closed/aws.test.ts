import assert from 'node:assert/strict';
import { after, before, beforeEach, type TestContext, test } from 'node:test';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { pino } from 'pino';
import { signingKeysProblem } from '../../runtime/gateway/env.ts';
import { type RunningObjectStore, startObjectStore } from '../../runtime/local/object-store.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import type { BundlePolicyClient } from '../../runtime/shared/policy-client.ts';
import { readEnv } from '../../runtime/shared/read-env.ts';
import { closeAndVerify, expectNo, expectYes } from '../support/expect-wired.ts';
import { exchange } from '../support/gateway-world.ts';
import { type KmsDouble, startKmsDouble } from '../support/kms-double.ts';
import { policyFile, policyFiles } from '../support/policy-file.ts';
import { type SsmDouble, startSsmDouble } from '../support/ssm-double.ts';
import { openWiredGateway, type WiredGateway, type WiredOptions } from '../support/wired-gateway.ts';

const parameter = '/toolgate/test/policy';
const unavailable = { status: 503 } as const;
const gone = { status: 500, type: 'InternalServerException' };
const settings = { tools_by_role: { reader: ['echo.say', 'echo.change'] }, servers_by_role: { reader: ['alpha'] } };

let kms: KmsDouble;
let ssm: SsmDouble;
let s3: RunningObjectStore;
const saved = { ...process.env };

before(async () => {
  [kms, ssm] = [await startKmsDouble(), await startSsmDouble()];
  s3 = await startObjectStore({ logger: silentLogger(), now: Date.now, seed: { assets: {} } });
  // As in a deployment to an emulator: the SDK reads these by itself.
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_KMS: kms.endpoint,
    AWS_ENDPOINT_URL_SSM: ssm.endpoint,
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
  });
});
after(async () => {
  process.env = saved;
  await Promise.all([kms.close(), ssm.close(), s3.close()]);
});
beforeEach(() => {
  kms.failure = undefined;
  ssm.failure = undefined;
  ssm.parameters.clear();
});

/** Uploads the real policy with these tenants and points the parameter at it. */
async function publish(version: number, tenants = { acme: settings }): Promise<void> {
  const { bytes, pointer } = policyFile(await policyFiles(tenants), version);
  const client = new S3Client({ region: 'us-east-1', endpoint: s3.url, credentials: s3.credentials });
  await client.send(new PutObjectCommand({ Bucket: pointer.bucket, Key: pointer.key, Body: bytes }));
  client.destroy();
  ssm.parameters.set(parameter, JSON.stringify(pointer));
}

/** A gateway as in a deployment. A key signs at once: nobody has read a key set before. */
function openGateway(t: TestContext, options: WiredOptions = {}): Promise<WiredGateway> {
  return openWiredGateway(t, {
    hasPolicy: false,
    ...options,
    env: {
      POLICY_PARAMETER: parameter,
      POLICY_POLL_MS: '50',
      UPSTREAM_KMS_KEY_ID: kms.keyId,
      UPSTREAM_KEY_LEAD_MS: '0',
      ...options.env,
    },
  });
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const listening = (log: string[]) =>
  pino({ level: 'error' }, { write: (line: string) => log.push(JSON.parse(line).msg) });

/** So often a policy was refused. */
const refused = (log: readonly string[], times: number) =>
  until(() => log.filter((line) => /^policy refused/.test(line)).length >= times, 'the refusal is told');

const healthOf = async ({ gateway }: WiredGateway) =>
  (await exchange(gateway, { path: '/healthz', httpMethod: 'GET', headers: {} })).status;

test('with KMS, SSM, S3 and DynamoDB the gateway is ready; fifty calls ask KMS nothing', async (t) => {
  await publish(1);
  const world = await openGateway(t);
  assert.deepEqual(await world.problems(), []);
  assert.equal(await healthOf(world), 200);
  const before = new Map(kms.calls);
  for (let i = 0; i < 50; i += 1) await expectYes(world);
  assert.deepEqual(new Map(kms.calls), before);
  const token = String(world.upstream.lastSeen().headers.authorization).replace('Bearer ', '');
  const { kid } = JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString());
  const keys = await exchange(world.gateway, { path: '/.well-known/jwks.json', httpMethod: 'GET', headers: {} });
  assert.deepEqual(
    keys.json.keys.map((key: { kid: string }) => key.kid),
    [kid],
  );
  assert.equal(keys.headers['cache-control'], 'public, no-cache');
  assert.deepEqual(await closeAndVerify(world), []);
});

test('without KMS at the start the gateway is not ready, refuses calls and publishes no empty key set', async (t) => {
  await publish(1);
  kms.failure = gone;
  const world = await openGateway(t);
  assert.deepEqual(await world.problems(), ['no signing key: KMS does not answer']);
  assert.equal(await healthOf(world), 503, 'a replica that never could serve is no healthy one');
  await expectNo(world, 'signing_unavailable', unavailable);
  const keys = await exchange(world.gateway, { path: '/.well-known/jwks.json', httpMethod: 'GET', headers: {} });
  assert.equal(keys.status, 503);
  kms.failure = undefined;
  await until(async () => (await world.problems()).length === 0, 'it gets ready without a restart');
  await expectYes(world);
  kms.failure = gone;
  await expectYes(world);
  assert.equal(await healthOf(world), 200, 'gone later, KMS is missed by nobody for half a day');
  assert.deepEqual(await closeAndVerify(world), []);
});

test('with a KMS key that is not there the gateway says so', async (t) => {
  await publish(1);
  const world = await openGateway(t, { env: { UPSTREAM_KMS_KEY_ID: 'no-such-key' } });
  assert.deepEqual(await world.problems(), ['no signing key: the KMS key cannot endorse']);
  await expectNo(world, 'signing_unavailable', unavailable);
});

test('without DynamoDB at the start there is no key and no policy, and both come with it', async (t) => {
  await publish(1);
  const world = await openGateway(t, { beforeStart: async ({ relay }) => relay.hold() });
  const problems = await world.problems();
  assert.ok(problems.includes('no signing key: its statement cannot be stored'), problems.join(', '));
  assert.ok(problems.includes('no policy bundle'));
  await expectNo(world, 'catalogue_unavailable', unavailable);
  world.relay.pass();
  await until(async () => (await world.problems()).length === 0, 'it gets ready without a restart');
  await expectYes(world);
});

for (const [what, spoil] of [
  ['SSM', () => (ssm.failure = gone)],
  ['the parameter', () => ssm.parameters.clear()],
  ['the object in S3', () => ssm.parameters.set(parameter, JSON.stringify(policyFile({}, 1).pointer))],
] as const) {
  test(`without ${what} at the start nothing is called or listed; gone later, the last good policy decides`, async (t) => {
    await publish(1);
    spoil();
    const log: string[] = [];
    const world = await openGateway(t, { logger: listening(log) });
    assert.deepEqual(await world.problems(), ['no policy bundle']);
    assert.equal(await healthOf(world), 503);
    await expectNo(world, 'policy_unavailable', unavailable);
    await expectNo(world, 'policy_unavailable', unavailable, { method: 'tools/list' });
    ssm.failure = undefined;
    await publish(2);
    await until(async () => (await world.problems()).length === 0, 'it gets ready without a restart');
    await expectYes(world);
    spoil();
    await refused(log, 2);
    await expectYes(world);
    assert.deepEqual(await closeAndVerify(world), []);
  });
}

test('a new policy comes into force under way, and an older one never again', async (t) => {
  await publish(1);
  const log: string[] = [];
  const world = await openGateway(t, { logger: listening(log) });
  await expectYes(world);
  const revision = () => (world.deps.policy as BundlePolicyClient).status().revision;
  const first = revision();
  await publish(2, { acme: { ...settings, tools_by_role: { reader: ['echo.change'] } } });
  await until(() => revision() !== first, 'the gateway follows the parameter');
  const second = revision();
  assert.equal((await world.send()).json.error.data.code, 'tool_unknown', 'what was taken away is gone');
  await publish(1);
  await refused(log, 1);
  assert.equal(revision(), second);
});

test('without the root key of the registry its key set is 503, and calls go on', async (t) => {
  await publish(1);
  const log: string[] = [];
  const world = await openGateway(t, { env: { REGISTRY_KMS_KEY_ID: 'no-such-key' }, logger: listening(log) });
  assert.deepEqual(await world.problems(), []);
  const read = (path: string) => exchange(world.gateway, { path, httpMethod: 'GET', headers: {} });
  const keys = await read('/.well-known/registry-jwks.json');
  assert.deepEqual([keys.status, keys.json.error.data.code], [503, 'signing_unavailable']);
  assert.ok(log.includes('the statements about signing keys cannot be read'));
  await expectYes(world);
  const none = await openGateway(t);
  const answer = await exchange(none.gateway, {
    path: '/.well-known/registry-jwks.json',
    httpMethod: 'GET',
    headers: {},
  });
  assert.equal(answer.status, 404, 'nobody named a registry');
});

test('two sources of keys are told in a sentence before the boot', () => {
  const both = { UPSTREAM_KMS_KEY_ID: 'key', UPSTREAM_SIGNING_JWKS: '[{}]' };
  assert.throws(
    () => readEnv({}, both, signingKeysProblem),
    /UPSTREAM_KMS_KEY_ID and UPSTREAM_SIGNING_JWKS are both set/,
  );
  assert.equal(signingKeysProblem({ UPSTREAM_KMS_KEY_ID: 'key', UPSTREAM_SIGNING_JWKS: '' }), undefined);
  const roots = (registry: string) => ({ UPSTREAM_KMS_KEY_ID: 'key', REGISTRY_KMS_KEY_ID: registry });
  assert.match(signingKeysProblem(roots('key')) ?? '', /give each a key of its own/);
  assert.equal(signingKeysProblem(roots('another')), undefined);
});
