import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { authorizationEnv } from '../../runtime/authorization/env.ts';
import { startAuthorizationServer } from '../../runtime/authorization/start-authorization-server.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { readEnv } from '../../runtime/shared/read-env.ts';
import { freePort } from '../authorization/world.ts';
import { ada, type CognitoDouble, startCognitoDouble } from '../support/cognito-double.ts';
import { personAtBrowser } from '../support/person-at-browser.ts';
import { connectSdkV1, connectSdkV2 } from '../support/real-clients.ts';
import { openWiredGateway, type WiredGateway, wiredPrefix } from '../support/wired-gateway.ts';

interface Platform {
  readonly gateway: WiredGateway;
  readonly pool: CognitoDouble;
  readonly endpoint: string;
}

/** Gateway and authorization server of one deployment, on one DynamoDB, with a pool that plays Cognito. */
async function startPlatform(t: TestContext): Promise<Platform> {
  const [gatewayPort, issuerPort] = [await freePort(), await freePort()];
  const [gatewayUrl, issuer] = [`http://127.0.0.1:${gatewayPort}`, `http://127.0.0.1:${issuerPort}`];
  const pool = await startCognitoDouble(`${issuer}/sign-in/callback`);
  t.after(() => pool.close());
  const gateway = await openWiredGateway(t, {
    env: { PORT: String(gatewayPort), PUBLIC_URL: gatewayUrl, ISSUERS: `${issuer}=${issuer}/jwks` },
  });
  const dynamodb = gateway.dynamo.createClient();
  t.after(() => dynamodb.destroy());
  const env = readEnv(authorizationEnv, {
    AUTHORIZATION_ISSUER: issuer,
    AUTHORIZATION_PORT: String(issuerPort),
    GATEWAY_URL: gatewayUrl,
    TABLE_PREFIX: wiredPrefix,
    UPSTREAM_OIDC_ISSUER: pool.issuer,
    UPSTREAM_OIDC_CLIENT_ID: pool.clientId,
    UPSTREAM_OIDC_CLIENT_SECRET: pool.clientSecret,
  });
  const server = await startAuthorizationServer(env, { dynamodb, logger: silentLogger() });
  t.after(() => server.close(0));
  return { gateway, pool, endpoint: `${gatewayUrl}/mcp` };
}

for (const [name, connect] of [
  ['SDK v2', connectSdkV2],
  ['SDK v1', connectSdkV1],
] as const) {
  test(`${name}: a person signs in at the organisation and calls a tool, and the record says who`, async (t) => {
    const { gateway, pool, endpoint } = await startPlatform(t);
    const client = await connect(endpoint, personAtBrowser('whoever sits at the pool'));
    t.after(() => client.close());
    assert.deepEqual(await client.listTools(), ['echo.change', 'echo.say']);
    const answer = await client.callTool('echo.say', { text: 'hello' });
    assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
    const record = gateway.records.findLast(({ tool }) => tool === 'echo.say') ?? assert.fail('no record');
    assert.deepEqual(
      [record.tenant, record.caller?.subject, record.caller?.kind, record.caller?.roles],
      ['acme', `${new URL(pool.issuer).host}|${ada.sub}`, 'human', ['reader', 'approver']],
    );
  });
}

test('a person of no tenant reads why, and the client gets nothing', async (t) => {
  const { gateway, pool, endpoint } = await startPlatform(t);
  pool.person = { ...ada, 'custom:tenant': undefined };
  await assert.rejects(connectSdkV2(endpoint, personAtBrowser('ada')), /belongs to no tenant/);
  assert.ok(gateway.records.every(({ outcome }) => outcome !== 'ok'));
});
