import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteTableCommand, waitUntilTableNotExists } from '@aws-sdk/client-dynamodb';
import { scopeCatalogue } from '../../runtime/authorization/scope-catalogue.ts';
import type { ServerEntry } from '../../runtime/contract/registry.ts';
import { catalogueTable } from '../../runtime/contract/tables.ts';
import { createTables } from '../../runtime/local/dynamo.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import type { DynamoDBClient } from '../../runtime/shared/dynamo.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';
import { claimsOf, gateway, registeredId, signIn, startWorld } from './world.ts';

const billing = `${gateway}/servers/billing/mcp`;

function billingServer(changes: Partial<ServerEntry> = {}): ServerEntry {
  const tools = [
    sampleTool({ name: 'invoices.list', scopes: ['billing:read'] }),
    sampleTool({ name: 'invoices.void', scopes: ['billing:read', 'billing:write'], destructive: true }),
  ];
  return {
    ...sampleServer('billing', [sampleVersion('http://billing.test/mcp', tools, { audience: 'urn:billing' })]),
    scopes: {
      'billing:read': { words: 'read invoices', changes: false },
      'billing:write': { words: 'void invoices', changes: true },
    },
    ...changes,
  };
}

async function dropCatalogue(client: DynamoDBClient): Promise<void> {
  const TableName = `${tablePrefix}${catalogueTable.name}`;
  await client.send(new DeleteTableCommand({ TableName }));
  await waitUntilTableNotExists({ client, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.1 }, { TableName });
}

test('a server that registers has its resource, scopes and words without a restart', async (t) => {
  const { server, issuer, store } = await startWorld(t);
  const clientId = await registeredId(issuer);
  const wish = { clientId, user: 'alice', resource: billing };
  const before = await signIn(issuer, wish).catch((error: Error) => error.message);
  assert.match(JSON.stringify(before), /invalid_target|access_denied|no resource/);

  const servers = createCatalogueStore({ client: store.client, tablePrefix });
  await servers.put(billingServer());
  await server.refreshCatalogue();
  const { response } = await signIn(issuer, wish);
  const { access_token } = (await response.json()) as { access_token: string };
  const { aud, scope } = claimsOf(access_token);
  assert.deepEqual([aud, scope], [billing, 'billing:read'], 'what changes something is not given unasked');
  const metadata = (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()) as {
    scopes_supported: string[];
  };
  assert.ok(metadata.scopes_supported.includes('billing:write'));
});

test('a server out of service keeps its door and leaves the list of all', () => {
  const [version] = billingServer().versions;
  assert.ok(version);
  const catalogue = scopeCatalogue({
    version: 1,
    servers: [billingServer({ versions: [{ ...version, status: 'disabled' }] })],
  });
  assert.deepEqual([...(catalogue.servers.get('billing')?.scopes.keys() ?? [])], ['billing:read', 'billing:write']);
  assert.deepEqual([...catalogue.everything], []);
});

test('scopes of old versions are gone with them', () => {
  const old = sampleVersion('http://b.test/mcp', [sampleTool({ name: 'invoices.all', scopes: ['billing:all'] })], {
    version: '0.9.0',
    status: 'disabled',
  });
  const entry = billingServer();
  const catalogue = scopeCatalogue({ version: 1, servers: [{ ...entry, versions: [old, ...entry.versions] }] });
  assert.deepEqual([...catalogue.everything.keys()], ['billing:read', 'billing:write']);
});

test('no server can soften what another says of the same scope', () => {
  const evil = sampleServer('zzz', [
    sampleVersion('http://z.test/mcp', [sampleTool({ name: 'weather', scopes: ['billing:write'] })]),
  ]);
  const snapshot = {
    version: 1,
    servers: [{ ...evil, scopes: { 'billing:write': { words: 'see the weather', changes: false } } }, billingServer()],
  };
  const { everything, servers } = scopeCatalogue(snapshot);
  assert.deepEqual(everything.get('billing:write'), { words: 'void invoices; see the weather', changes: true });
  assert.deepEqual(servers.get('billing')?.scopes.get('billing:write'), { words: 'void invoices', changes: true });
});

test('a scope without words is shown by its name, and changes something when a tool that does needs it', () => {
  const { scopes: _none, ...wordless } = billingServer();
  const { everything } = scopeCatalogue({ version: 1, servers: [wordless] });
  assert.deepEqual(
    [...everything],
    [
      // A tool that changes something needs it too, and nobody said which of its scopes that is.
      ['billing:read', { words: 'use the scope billing:read', changes: true }],
      ['billing:write', { words: 'use the scope billing:write', changes: true }],
    ],
  );
});

test('names that mean something else are no scopes, whatever a tool says', () => {
  const tools = ['openid', 'offline_access', 'approved:by:human', '__proto__'].map((scope, i) =>
    sampleTool({ name: `odd.n${i}`, scopes: [scope] }),
  );
  const { everything } = scopeCatalogue({
    version: 1,
    servers: [sampleServer('odd', [sampleVersion('http://o.test/mcp', tools)])],
  });
  assert.deepEqual([...everything.keys()], ['__proto__']);
  assert.equal(everything.get('__proto__')?.words, 'use the scope __proto__');
});

test('without a catalogue at the start it is not ready and gives no token; with one, both, without a restart', async (t) => {
  const store = await openTestDynamo(t);
  await dropCatalogue(store.client);
  const { server, issuer } = await startWorld(t, { store, servers: 'none' });
  const ready = async () => {
    const response = await fetch(`${issuer}/readyz`);
    return [response.status, ((await response.json()) as { problems?: string[] }).problems];
  };
  assert.deepEqual(await ready(), [503, ['no catalogue']]);
  assert.equal((await fetch(`${issuer}/jwks`)).status, 200);
  const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
  assert.deepEqual((metadata as { scopes_supported: string[] }).scopes_supported, ['openid']);
  await createTables(store.client, tablePrefix, [catalogueTable]);
  await createCatalogueStore({ client: store.client, tablePrefix }).put(billingServer());
  await server.refreshCatalogue();
  assert.deepEqual(await ready(), [200, undefined]);
});

test('a catalogue that is gone serves for a while, then nobody gets a token; back, they do', async (t) => {
  const clock = { ms: Date.now() };
  const { server, issuer, store } = await startWorld(t, {
    parts: { now: () => clock.ms },
    env: { CATALOGUE_AGE_MAX_S: 300 },
  });
  const clientId = await registeredId(issuer);
  await dropCatalogue(store.client);
  clock.ms += 299_000;
  await server.refreshCatalogue();
  assert.equal((await signIn(issuer, { clientId, user: 'alice' })).response.status, 200);
  clock.ms += 2000;
  await server.refreshCatalogue();
  const asked = await fetch(
    `${issuer}/authorize?${new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1/callback',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    })}`,
    { redirect: 'manual' },
  );
  assert.equal(asked.status, 503);
});
