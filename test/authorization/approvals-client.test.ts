import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { checkAuthorizationEnv } from '../../runtime/authorization/env.ts';
import { openBrowser } from '../support/browser.ts';
import {
  authorizationUrl,
  claimsOf,
  environment,
  postForm,
  registeredId,
  signIn,
  startWorld,
  verifier,
} from './world.ts';

const approvals = 'http://127.0.0.1:4402';
const redirectUri = `${approvals}/approvals/signed-in`;
const clientId = 'toolgate-approvals';
const page = { client_id: clientId, redirect_uri: redirectUri, scope: 'openid' };

function startWithPage(t: TestContext) {
  return startWorld(t, { env: { APPROVALS_URL: approvals } });
}

test('the approvals page learns person, tenant and roles without a question, and gets no scope of a tool', async (t) => {
  const { issuer } = await startWithPage(t);
  const browser = openBrowser();
  const chooser = await browser.follow(authorizationUrl(issuer, page));
  const { next = '' } = await browser.go(chooser.url, { prompt: 'login', user: 'ada' });
  const { next: callback = '' } = await browser.follow(next, redirectUri);
  const answer = await postForm(`${issuer}/token`, {
    grant_type: 'authorization_code',
    code: new URL(callback).searchParams.get('code') ?? '',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  const tokens = (await answer.json()) as { id_token: string; scope: string; refresh_token?: string };
  const { sub, name, tenant, roles, aud, iss } = claimsOf(tokens.id_token);
  assert.deepEqual([sub, name, tenant, roles, aud, iss], ['ada', 'Ada', 'acme', ['approver'], clientId, issuer]);
  assert.equal(tokens.scope, '');
  assert.equal(tokens.refresh_token, undefined);
});

test('nobody else is told tenant and roles by an ID token', async (t) => {
  const { issuer } = await startWithPage(t);
  const { response } = await signIn(issuer, {
    clientId: await registeredId(issuer),
    user: 'ada',
    scope: 'openid postgres:query:readonly',
  });
  const { id_token } = (await response.json()) as { id_token: string };
  const { sub, name, tenant, roles } = claimsOf(id_token);
  assert.deepEqual([sub, name, tenant, roles], ['ada', undefined, undefined, undefined]);
});

test('no other program on the machine is taken for the approvals page, and none where there is no page', async (t) => {
  const { issuer } = await startWithPage(t);
  for (const uri of [
    redirectUri.replace('4402', '4403'),
    `${approvals}/`,
    'https://evil.example/approvals/signed-in',
  ]) {
    const visit = await openBrowser().follow(authorizationUrl(issuer, { ...page, redirect_uri: uri }));
    assert.equal(visit.status, 400, uri);
  }
  const { issuer: without } = await startWorld(t);
  assert.equal((await openBrowser().follow(authorizationUrl(without, page))).status, 400);
});

test('an approvals page that anybody on the way could read is refused at the start', () => {
  const issuer = 'https://id.example.com';
  const check = (APPROVALS_URL: string) =>
    checkAuthorizationEnv(environment(issuer, { APPROVALS_URL, TOOLGATE_SAMPLE_USERS: 'off' }));
  check('https://mcp.example.com');
  assert.throws(() => check('http://mcp.example.com'), /APPROVALS_URL must be https, .*got http:\/\/mcp.example.com\./);
  assert.throws(() => check('https://mcp.example.com/approvals'), /APPROVALS_URL must be an origin/);
});
