// The reference deployment, put into an emulator by the real CDK, and its services run with what was deployed.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createDynamoClient } from '../../runtime/shared/dynamo.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { askEmulator } from '../support/ask-emulator.ts';
import { type CdkRun, runCdk } from '../support/cdk-command.ts';
import { withDeleteByName } from '../support/delete-by-name.ts';
import { type DeployedPlatform, startDeployedPlatform } from '../support/deployed-platform.ts';
import { copyForEmulator, type LeftOut } from '../support/emulated-assembly.ts';
import { type Grant, roleOf } from '../support/iam-policy.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { ministackGaps } from '../support/ministack-gaps.ts';
import { customersQuery, writeCall } from '../support/what-clients-see.ts';
import { sdkClientsSuite } from './sdk-clients-suite.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const account = '000000000000';
const domainName = 'tools.example.com';

/** Grants that no test needs, each with its reason. */
const neededElsewhere: readonly { readonly grant: (grant: Grant) => boolean; readonly because: string }[] = [
  {
    grant: ({ action }) => action === 'kms:GenerateDataKey' || action === 'kms:Decrypt',
    because: 'S3 asks for it with the rights of the caller; the emulator encrypts nothing',
  },
  {
    grant: ({ action, resource }) =>
      /:table\/[^/]*-grants$/.test(resource) && ['dynamodb:GetItem', 'dynamodb:Query'].includes(action),
    because: 'the authorization server reads questions only where a server steps up, which is off by default',
  },
];

let folder: string;
let emulator: Ministack;
let leftOut: LeftOut;
let deployment: CdkRun;
let platform: DeployedPlatform;

/** Synthesises the reference deployment and deploys it, for the first time or as an update. */
async function deploy(name: string, context: Readonly<Record<string, string>>): Promise<CdkRun> {
  const all = { domainName, certificateArn: `arn:aws:acm:us-east-1:${account}:certificate/c`, ...context };
  const settings = Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const assembly = join(folder, `${name}-as-synthesised`);
  const synth = await runCdk(['synth', '--quiet', '--output', assembly, ...settings], { cwd: root });
  assert.equal(synth.exitCode, 0, synth.output);
  leftOut = copyForEmulator(assembly, join(folder, name), ministackGaps);
  return runCdk(['deploy', '--all', '--app', join(folder, name), '--require-approval', 'never'], { emulator });
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-deploy-'));
  emulator = await startMinistack('');
  const bootstrap = await runCdk(['bootstrap', `aws://${account}/us-east-1`], { emulator });
  assert.equal(bootstrap.exitCode, 0, bootstrap.output);
  deployment = await deploy('first', {});
});
after(async () => {
  await platform?.close();
  await emulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the reference deployment in an emulator', () => {
  it('is deployed by the CDK as it was synthesised, but for what the emulator is known to lack', (t) => {
    assert.equal(deployment.exitCode, 0, deployment.output);
    t.diagnostic(
      `${leftOut.ofResources - leftOut.resources} of ${leftOut.ofResources} resources in ${deployment.seconds.toFixed(1)} s`,
    );
    const stale = ministackGaps.filter(({ type }) => !leftOut.types.has(type)).map(({ type }) => type);
    assert.deepEqual(stale, [], 'a gap that the deployment does not meet is no gap');
    assert.ok(leftOut.resources * 2 < leftOut.ofResources, `${leftOut.resources} of ${leftOut.ofResources} left out`);
  });
});

sdkClientsSuite('deployed', async () => {
  platform = await startDeployedPlatform({
    emulator,
    account,
    assembly: join(folder, 'first'),
    policies: leftOut.policies,
    domainName,
    toolDomain: 'tools.prod.internal',
  });
  // The last suite closes it.
  return { ...platform, close: async () => {} };
});

async function callTool(token: string, name: string, args: object): Promise<string> {
  const response = await fetch(platform.endpoint, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
  return response.text();
}

describe('the deployed platform', () => {
  it('answers nothing of its operation on the public side', async () => {
    for (const path of ['/metrics', '/readyz']) {
      const { status } = await fetch(new URL(path, platform.endpoint));
      assert.equal(status, 404, path);
    }
    assert.equal((await fetch(new URL('/healthz', platform.endpoint))).status, 200);
  });

  it('puts an update of its policy in force without a restart', async () => {
    const token = await platform.token('alice', platform.endpoint);
    const call = () => callTool(token, 'postgres.readonly', customersQuery);
    assert.match(await call(), /"row_count":3/);
    const { tenants } = JSON.parse(readFileSync(join(root, 'policies/data/tenants.json'), 'utf8'));
    tenants.acme.tools_by_role.reader = ['s3.list'];
    // Paths of the settings start at the repository.
    const changed = join(root, 'node_modules', '.cache', `tenants-${process.pid}.json`);
    writeFileSync(changed, JSON.stringify({ tenants }));
    try {
      const update = await deploy('second', { policyVersion: '2', tenantsPath: changed.slice(root.length) });
      assert.equal(update.exitCode, 0, update.output);
    } finally {
      rmSync(changed);
    }
    const deadline = performance.now() + 60_000;
    while (!(await call()).includes('Unknown tool') && performance.now() < deadline) await delay(250);
    assert.match(await call(), /Unknown tool: postgres\.readonly/);
  });

  it('keeps tool servers closed to whoever comes past the gateway, on record', async () => {
    for (const server of ['read', 'write']) {
      const { status } = await fetch(`http://${server}.tools.prod.internal/mcp`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await platform.token('alice', platform.endpoint)}` },
        body: '{}',
      });
      assert.equal(status, 401, server);
      const refused = await platform.refusals(`tools_${server}`);
      assert.deepEqual(
        refused.map(({ code, tenant }) => [code, tenant]),
        [['token_invalid', '_unknown']],
      );
    }
  });

  it('runs a change that a person approved, once', async () => {
    const scope = 'postgres:query:readonly postgres:query:write s3:list';
    const token = await platform.token('oscar', platform.endpoint, scope);
    const call = () => callTool(token, 'postgres.write', writeCall);
    assert.match(await call(), /A person must approve this call first/);
    const asked = (await platform.records('postgres.write')).at(-1) ?? assert.fail('there is no record');
    const dynamodb = createDynamoClient(emulator);
    const grants = createGrantStore({ client: dynamodb, tablePrefix: 'toolgate-prod-' });
    const nowMs = Date.now();
    await grants.put({
      id: 'deployed-1',
      tenant: asked.tenant,
      subject: asked.caller?.subject ?? '',
      clientId: asked.client?.id ?? '',
      server: 'write',
      tool: 'postgres.write',
      definitionHash: asked.definition_hash ?? '',
      argumentsSha256: asked.arguments_sha256 ?? '',
      policyRevision: asked.policy?.revision ?? '',
      approver: platform.subjectOf('ada'),
      grantedAtMs: nowMs,
      expiresAtMs: nowMs + 900_000,
    });
    dynamodb.destroy();
    assert.match(await call(), /"rows_affected":1/);
    assert.match(await call(), /A person must approve this call first/);
    const ran = (await platform.records('postgres.write')).filter(({ approval_id }) => approval_id === 'deployed-1');
    assert.deepEqual(
      ran.map(({ event }) => event),
      ['mcp_call_intent', 'mcp_call'],
    );
  });

  it('forgets a grant whose refresh token its client revokes', async () => {
    const { refresh_token: token, clientId } = await platform.refreshToken('ada', platform.endpoint);
    const response = await fetch(`${platform.issuer}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token, token_type_hint: 'refresh_token', client_id: clientId }),
    });
    assert.equal(response.status, 200);
    const refresh = await fetch(`${platform.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: clientId }),
    });
    assert.equal(((await refresh.json()) as { error?: string }).error, 'invalid_grant');
  });

  it('ends each service with an empty hand: everything recorded, exit code 0', async () => {
    const { token, endpoint } = platform;
    await token('bob', endpoint);
    await platform.stopServices();
    const { exitCode, output } = await platform.verifyAudit();
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(output, /without writer_closed|not signed yet/);
  });

  it('asks nothing of AWS that its roles do not allow', (t) => {
    for (const { name, policies, calls } of platform.services) {
      const role = roleOf(policies);
      assert.ok(calls.length > 0, `${name} asked for something`);
      const actions = [...new Set(calls.map(({ action }) => action))].sort();
      t.diagnostic(`${name}: ${calls.length} calls, ${actions.join(', ')}`);
      const refused = new Set(calls.map((call) => role.refusal(call)).filter((refusal) => refusal !== undefined));
      assert.deepEqual([...refused], [], name);
    }
  });

  it('is granted nothing that nobody needs', () => {
    for (const { name, policies, calls } of platform.services) {
      const role = roleOf(policies);
      for (const call of calls) role.refusal(call);
      const unused = role.unused().filter((grant) => !neededElsewhere.some((known) => known.grant(grant)));
      assert.deepEqual(unused, [], name);
    }
  });

  // ministack knows no DeletionPolicy: that tables, keys and records stay is held by the templates' own tests.
  it('is destroyed by the CDK', async () => {
    const deleting = await withDeleteByName(emulator);
    const destroyed = await runCdk(['destroy', '--all', '--force', '--app', join(folder, 'second')], {
      emulator: deleting,
    });
    await deleting.close();
    assert.equal(destroyed.exitCode, 0, destroyed.output);
    const { clusterArns } = await askEmulator(emulator, 'ecs', 'AmazonEC2ContainerServiceV20141113.ListClusters', {});
    assert.deepEqual(clusterArns, []);
  });
});
