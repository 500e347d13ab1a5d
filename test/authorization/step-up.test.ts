import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApprovalQuestion } from '../../runtime/contract/approval.ts';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import { createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { createStepUps } from '../../runtime/shared/step-ups.ts';
import { sampleDecision, sampleQuestion } from '../support/approval.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';
import {
  authorizationUrl,
  callback,
  claimsOf,
  everything,
  gateway,
  postForm,
  registeredId,
  startWorld,
  verifier,
} from './world.ts';

const writing = `${gateway}/servers/postgres-write/mcp`;
const scope = 'postgres:query:write approved:by:human';
const minute = 60_000;

interface Wish {
  readonly clientId: string;
  readonly user?: string;
  readonly resource?: string;
  readonly scope?: string;
  readonly whileWaiting?: (page: string) => Promise<void>;
}

test('the scope of a yes', async (t) => {
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  const dynamo = await openTestDynamo(t);
  const { issuer, server } = await startWorld(t, {
    store: dynamo,
    parts: { now },
    env: { APPROVALS_URL: 'http://127.0.0.1:4402' },
  });
  const store = createApprovalStore({ client: dynamo.client, tablePrefix, deadlineMs: 10_000 });
  const grants = createGrantStore({ client: dynamo.client, tablePrefix, deadlineMs: 10_000 });
  const stepUps = createStepUps({ client: dynamo.client, tablePrefix, deadlineMs: 10_000 });

  /** A question of the gateway, whose asker was sent here. */
  async function ask(clientId: string, changes: Partial<ApprovalQuestion> = {}) {
    const question = sampleQuestion({ subject: 'oscar', clientId, server: 'postgres-write', ...changes });
    const request = await store.open(question, now());
    await stepUps.note(request);
    const approve = async (agoMs = 0) => {
      const grant = (await store.decide(request.id, sampleDecision(), now() - agoMs))?.grant;
      return grant ?? assert.fail('there is no yes');
    };
    return { id: request.id, approve };
  }

  /** What comes back to the client: a code, or an error. */
  async function authorize(wish: Wish) {
    const { clientId, user = 'oscar', resource = writing, whileWaiting } = wish;
    const url = authorizationUrl(issuer, { client_id: clientId, resource, scope: wish.scope ?? scope });
    const answer = await driveSignIn(url, callback, { user, ...(whileWaiting !== undefined && { whileWaiting }) });
    return answer.searchParams;
  }

  async function tokenOf(parameters: URLSearchParams, clientId: string) {
    const answer = await postForm(`${issuer}/token`, {
      ...{ grant_type: 'authorization_code', code: parameters.get('code') ?? '', code_verifier: verifier },
      ...{ client_id: clientId, redirect_uri: callback },
    });
    return readToken(answer);
  }

  async function refresh(refreshToken: string, clientId: string, more = {}) {
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId, ...more };
    return readToken(await postForm(`${issuer}/token`, form));
  }

  const client = () => registeredId(issuer);
  const notWaiting = () => assert.fail('there is nothing to wait for');

  await t.test('is given while a yes can be used, no longer than it, and not by a refresh after it', async () => {
    const clientId = await client();
    const { approve } = await ask(clientId);
    const grant = await approve(4 * minute);
    const token = await tokenOf(await authorize({ clientId }), clientId);
    assert.equal(token.scope, scope);
    assert.equal(token.claims.scope, scope);
    const endMs = Number(token.claims.exp) * 1000;
    assert.ok(endMs <= grant.expiresAtMs && endMs > grant.expiresAtMs - 5000, 'it ends with the yes');

    const again = await refresh(token.refreshToken, clientId);
    assert.equal(again.claims.scope, scope, 'the yes still stands');
    const less = await refresh(again.refreshToken, clientId, { scope: 'postgres:query:write' });
    assert.deepEqual([less.claims.scope, less.seconds], ['postgres:query:write', 900]);
    assert.ok(await grants.consume(grant, now()));
    const used = await refresh(less.refreshToken, clientId);
    assert.deepEqual(
      [used.scope, used.claims.scope, used.seconds],
      ['postgres:query:write', 'postgres:query:write', 900],
    );
  });

  await t.test('is waited for on a page that says what waits, and goes on by itself after the yes', async () => {
    const clientId = await client();
    const { id, approve } = await ask(clientId, { words: 'Deletes <order> 1.' });
    const pages: string[] = [];
    const answer = await authorize({
      clientId,
      whileWaiting: async (page) => {
        pages.push(page);
        if (pages.length === 2) await approve();
      },
    });
    assert.equal(pages.length, 2);
    const [page = ''] = pages;
    assert.match(page, /Deletes &lt;order&gt; 1\./);
    assert.ok(page.includes(`href="http://127.0.0.1:4402/approvals/${id}"`), page);
    assert.match(page, /“Test client” called what needs another person/);
    assert.equal((await tokenOf(answer, clientId)).claims.scope, scope);
  });

  await t.test('sends who waits back with access_denied when a person refuses, without the reason', async () => {
    const clientId = await client();
    const { id } = await ask(clientId);
    const refuse = () => store.decide(id, sampleDecision({ verdict: 'deny', reason: 'Secret.' }), now());
    const answer = await authorize({ clientId, whileWaiting: async () => void (await refuse()) });
    assert.deepEqual(
      ['error', 'error_description', 'code'].map((name) => answer.get(name)),
      ['access_denied', 'a person refused the call', null],
    );
  });

  await t.test('is waited for no longer than the page can answer', async () => {
    const clientId = await client();
    await ask(clientId);
    const answer = await authorize({
      clientId,
      whileWaiting: async () => {
        aheadMs = 15 * minute - 10_000;
        await server.refreshCatalogue();
      },
    });
    aheadMs = 0;
    await server.refreshCatalogue();
    assert.deepEqual(answer.get('error'), 'access_denied');
    assert.match(answer.get('error_description') ?? '', /^nobody has decided yet: the question stays open/);
  });

  await t.test('is not given without a yes of one’s own: the token has the rest, and nobody waits', async () => {
    const clientId = await client();
    const others = [{ clientId: 'dyn-other' }, { subject: 'alice' }, { tenant: 'globex' }, { server: 'postgres' }];
    for (const other of others) await (await ask(clientId, other)).approve();
    const token = await tokenOf(await authorize({ clientId, whileWaiting: notWaiting }), clientId);
    assert.deepEqual([token.scope, token.seconds], ['postgres:query:write', 900]);
  });

  await t.test('is not given for a yes that is over between the code and the token', async () => {
    const clientId = await client();
    await (await ask(clientId)).approve(14.5 * minute);
    const answer = await authorize({ clientId, resource: everything, whileWaiting: notWaiting });
    aheadMs = 30_000;
    const token = await tokenOf(answer, clientId);
    aheadMs = 0;
    assert.deepEqual([token.scope, token.seconds], ['postgres:query:write', 900]);
  });

  await t.test('is said to nobody who asks for all there is, and given to nobody who does not ask', async () => {
    const metadata = (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()) as object;
    assert.ok('scopes_supported' in metadata && !String(metadata.scopes_supported).includes('approved'));
    const clientId = await client();
    await (await ask(clientId)).approve();
    const plain = await tokenOf(await authorize({ clientId, scope: 'postgres:query:write' }), clientId);
    assert.equal(plain.claims.scope, 'postgres:query:write');
    const refused = await refresh(plain.refreshToken, clientId, { scope }).catch(({ message }) => message);
    assert.match(String(refused), /invalid_scope/);
  });

  await t.test('is for people: an agent does not get it', async () => {
    const scopes = ['postgres:query:write', 'approved:by:human'];
    const { clientId, clientSecret = '' } = await server.registerAgent({
      ...{ name: 'night', tenant: 'acme', roles: ['operator'], scopes },
    });
    await (await ask(clientId, { subject: clientId })).approve();
    const form = { grant_type: 'client_credentials', resource: writing, scope };
    const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
    const token = await readToken(await postForm(`${issuer}/token`, form, { authorization }));
    assert.equal(token.claims.scope, 'postgres:query:write');
  });
});

async function readToken(answer: Response) {
  const body = (await answer.json()) as Record<string, string>;
  if (answer.status !== 200) throw new Error(JSON.stringify(body));
  const { access_token = '', refresh_token: refreshToken = '' } = body;
  return { scope: body.scope, refreshToken, seconds: Number(body.expires_in), claims: claimsOf(access_token) };
}
