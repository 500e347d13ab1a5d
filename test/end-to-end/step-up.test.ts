import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnauthorizedError } from '@modelcontextprotocol/client';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { createTokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { claimsOf, startWorld } from '../authorization/world.ts';
import { openApprovalWorld } from '../support/approval-world.ts';
import { publicUrl } from '../support/gateway-world.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';
import { personAtBrowser } from '../support/person-at-browser.ts';
import { connectSteppingUp } from '../support/stepping-up-client.ts';
import { assertToldModel } from '../support/what-clients-see.ts';

const scope = 'echo:read approved:by:human';

test('SDK v2 steps up by itself: its person waits at the authorization server, and the call runs once after the yes', async (t) => {
  const dynamo = await openTestDynamo(t);
  const { issuer, server } = await startWorld(t, { store: dynamo, servers: 'none', env: { GATEWAY_URL: publicUrl } });
  const world = await openApprovalWorld(t, { dynamo, stepUpIssuer: issuer });
  world.override({
    verifier: createTokenVerifier({ issuers: [{ issuer, jwksUri: `${issuer}/jwks` }], now: Date.now }),
  });
  const catalogue = createCatalogueStore({ client: dynamo.client, tablePrefix });
  for (const each of world.catalogue.servers) await catalogue.put(each);
  await server.refreshCatalogue();

  const waitedFor: string[] = [];
  const alice = personAtBrowser('alice', undefined, (url, redirectUrl) =>
    driveSignIn(url, redirectUrl, {
      user: 'alice',
      whileWaiting: async () => {
        const [asked] = await world.store.listOpen('acme', world.now());
        assert.ok(asked !== undefined);
        waitedFor.push(asked.id);
        await world.approve(asked.id, 'ada');
      },
    }),
  );
  // The gateway under its public name, which nobody resolves.
  const fetchThere = (url: string | URL, init?: RequestInit) =>
    fetch(String(url).replace(publicUrl, `http://127.0.0.1:${world.gateway.port}`), init);
  const client = await connectSteppingUp(`${publicUrl}/mcp`, alice, fetchThere);
  t.after(() => client.close());
  const change = () => client.callTool('echo.change', { text: 'delete order 1' });

  await assert.rejects(change(), UnauthorizedError);
  assert.deepEqual(
    alice.opened.map((url) => url.searchParams.get('scope')),
    ['echo:read', scope],
  );
  assert.equal(waitedFor.length, 1);
  await client.finishSteppingUp();
  assert.equal(claimsOf(alice.tokens().access_token).scope, scope);
  assert.equal(world.upstream.seen.length, 0, 'waiting runs nothing');

  const answer = await change();
  assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
  const token = String(world.upstream.lastSeen().headers.authorization).slice('Bearer '.length);
  assert.deepEqual([claimsOf(token).scope, claimsOf(token).approval_id], [scope, waitedFor[0]]);

  // The scope that the token still has opens nothing.
  assertToldModel(await change(), /A person must approve this call first/);
  assert.equal(alice.opened.length, 2, 'and it is not sent there again');
  assert.equal(world.upstream.seen.length, 1);
});
