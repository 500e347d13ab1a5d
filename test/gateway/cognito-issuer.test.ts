import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { cognitoClientId, cognitoSub, createCognitoTokens } from '../support/cognito-tokens.ts';
import { sendJson } from '../support/echo-upstream.ts';
import { closeAndVerify, expectYes } from '../support/expect-wired.ts';
import { publicUrl } from '../support/gateway-world.ts';
import { openWiredGateway, type WiredGateway } from '../support/wired-gateway.ts';

const identifier = `${publicUrl}/servers/alpha/mcp`;

/** A gateway that takes the tokens of one pool beside those of its own issuer. */
async function open(t: TestContext) {
  const pool = createCognitoTokens(identifier);
  const keys = createServer((_request, response) => sendJson(response, pool.jwks)).listen(0, '127.0.0.1');
  await once(keys, 'listening');
  t.after(() => {
    keys.closeAllConnections();
    keys.close();
  });
  const jwksUri = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/.well-known/jwks.json`;
  const entry = {
    issuer: pool.issuer,
    jwksUri,
    clientIds: [cognitoClientId],
    resourceServerIdentifier: [identifier],
  };
  const tenants = {
    acme: {
      tools_by_role: { reader: ['echo.say'], operator: ['echo.say'] },
      servers_by_role: { reader: ['alpha'], operator: ['alpha'] },
    },
  };
  const world = await openWiredGateway(t, { env: { COGNITO_ISSUERS: JSON.stringify([entry]) }, tenants });
  return { pool, world };
}

test('a person and a machine of the pool call a tool, and the record says who', async (t) => {
  const { pool, world } = await open(t);
  await expectYes(world, { token: pool.ofUser() });
  const user = world.records.at(-1)?.caller;
  assert.equal(user?.subject, `cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE|${cognitoSub}`);
  assert.deepEqual([world.records.at(-1)?.tenant, user?.kind, user?.roles], ['acme', 'human', ['operator']]);
  await expectYes(world, { token: pool.ofClient() });
  assert.deepEqual([world.records.at(-1)?.caller?.kind, world.records.at(-1)?.tenant], ['agent', 'acme']);
  await expectYes(world);
  assert.deepEqual(await closeAndVerify(world), []);
});

test('what is no access token for this gateway is refused, and recorded', async (t) => {
  const { pool, world } = await open(t);
  const refused = [
    ['an ID token', pool.idToken(), 'token_invalid'],
    ['another client', pool.ofUser({ client_id: 'another' }), 'token_invalid'],
    ['another resource server', pool.ofUser({ scope: 'https://crm.example.com/read' }), 'audience_mismatch'],
    ['another token_use', pool.ofUser({ token_use: 'refresh' }), 'token_invalid'],
    ['HS256', pool.confused(), 'token_invalid'],
    ['no tenant', pool.ofUser({ tenant: undefined }), 'token_invalid'],
    ['an expired one', pool.ofUser({ exp: Math.floor(Date.now() / 1000) - 100 }), 'token_expired'],
  ] as const;
  for (const [what, token, code] of refused) {
    await t.test(what, async () => {
      await expectRefused(world, token, 401, code);
    });
  }
});

test('a scope that the token lacks is asked for', async (t) => {
  const { pool, world } = await open(t);
  await expectRefused(world, pool.ofUser({ scope: `${identifier}/other` }), 403, 'insufficient_scope');
});

async function expectRefused(world: WiredGateway, token: string, status: number, code: string): Promise<void> {
  const before = world.records.length;
  const answer = await world.send({ token });
  assert.deepEqual([answer.status, answer.json.error?.data?.code], [status, code], answer.text);
  const left = world.records.slice(before).map((record) => [record.outcome, record.code, record.http_status]);
  assert.deepEqual(left, [['refused', code, status]]);
  assert.equal(world.upstream.seen.length, 0, 'nothing went upstream');
}
