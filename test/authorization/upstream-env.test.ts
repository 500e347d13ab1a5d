import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkAuthorizationEnv } from '../../runtime/authorization/env.ts';
import { aesSealing } from '../../runtime/authorization/key-sealing.ts';
import { openTestDynamo } from '../support/local-dynamo.ts';
import { environment, freePort, gateway } from './world.ts';

const deployed = {
  TOOLGATE_SAMPLE_USERS: 'off',
  UPSTREAM_OIDC_ISSUER: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE',
  UPSTREAM_OIDC_CLIENT_ID: '1example23456789',
  UPSTREAM_OIDC_CLIENT_SECRET: 'x',
};
const check = (more: Readonly<Record<string, string>>, issuer = 'https://id.example.com') =>
  checkAuthorizationEnv(environment(issuer, { ...deployed, ...more }));

test('an organisation to sign in at is configured by its issuer and our client there', () => {
  check({});
  const env = environment('https://id.example.com', deployed);
  const { TENANT_CLAIM, ROLES_CLAIM, KNOWN_ROLES, UPSTREAM_OIDC_SCOPES, SIGN_IN_AGE_MAX_HOURS } = env;
  assert.deepEqual([TENANT_CLAIM, ROLES_CLAIM, UPSTREAM_OIDC_SCOPES], ['custom:tenant', 'cognito:groups', 'openid']);
  assert.deepEqual(KNOWN_ROLES, ['reader', 'operator', 'approver', 'platform-admin']);
  assert.equal(SIGN_IN_AGE_MAX_HOURS, 12);
  check({ UPSTREAM_OIDC_ISSUER: 'http://127.0.0.1:9000' }, 'http://127.0.0.1:4401');
});

const wrong: readonly (readonly [Readonly<Record<string, string>>, RegExp, issuer?: string])[] = [
  [{ TOOLGATE_SAMPLE_USERS: 'on' }, /exclude each other/, 'http://127.0.0.1:4401'],
  [{ UPSTREAM_OIDC_CLIENT_ID: '' }, /UPSTREAM_OIDC_CLIENT_ID is missing/],
  [{ UPSTREAM_OIDC_ISSUER: '' }, /UPSTREAM_OIDC_CLIENT_ID is set without UPSTREAM_OIDC_ISSUER/],
  [{ UPSTREAM_OIDC_ISSUER: 'eu-central-1_EXAMPLE' }, /must be an https URL, got eu-central-1_EXAMPLE/],
  [{ UPSTREAM_OIDC_ISSUER: 'http://idp.example.com' }, /must be an https URL/],
  [{ UPSTREAM_OIDC_ISSUER: 'http://127.0.0.1:9000' }, /must be an https URL/],
  [{ UPSTREAM_OIDC_ISSUER: 'http://idp.example.com' }, /must be an https URL/, 'http://127.0.0.1:4401'],
  [{ UPSTREAM_OIDC_SCOPES: 'email profile' }, /must have openid, or there is no ID token; got email profile/],
];

test('a place to sign in at that cannot be one stops the boot with a sentence', () => {
  for (const [more, sentence, issuer] of wrong) assert.throws(() => check(more, issuer), sentence);
});

test('a generated secret of 43 letters and digits seals keys, and so does base64 with its padding', async () => {
  for (const key of ['Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF', Buffer.alloc(32, 7).toString('base64')]) {
    const sealing = aesSealing(key);
    assert.equal(await sealing.openKey(await sealing.sealKey('secret')), 'secret');
  }
  for (const key of ['A'.repeat(42), 'A'.repeat(45), ''])
    assert.throws(() => aesSealing(key), /AUTHORIZATION_SEALING_KEY must be base64 of 32 bytes/);
});

test('the process finds DynamoDB by the variables that every AWS client reads', async (t) => {
  const store = await openTestDynamo(t);
  const port = await freePort();
  const main = fileURLToPath(new URL('../../runtime/authorization/main.ts', import.meta.url));
  const serving = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH ?? '',
      AUTHORIZATION_ISSUER: `http://127.0.0.1:${port}`,
      AUTHORIZATION_PORT: String(port),
      GATEWAY_URL: gateway,
      TABLE_PREFIX: 'test-',
      AWS_ENDPOINT_URL: store.endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => serving.kill('SIGKILL'));
  let log = '';
  for await (const chunk of serving.stdout) {
    log += String(chunk);
    if (log.includes('listening')) break;
  }
  // Without sample users and without an organisation nobody can sign in, which is worth a line.
  assert.match(log, /nobody can sign in: UPSTREAM_OIDC_ISSUER is not set/);
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  serving.kill('SIGTERM');
  assert.equal(((await once(serving, 'close')) as [number])[0], 0);
});
