import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import { runAuthorizationConformance } from '../support/run-conformance.ts';
import { everything, freePort, registeredId, startWorld } from './world.ts';

test('the official suite is content with the authorization server, 2 of 2', async (t) => {
  const { issuer } = await startWorld(t);
  const callbackPort = await freePort();
  const redirectUri = `http://127.0.0.1:${callbackPort}/callback`;
  const run = await runAuthorizationConformance({
    issuer,
    clientId: await registeredId(issuer, { redirect_uris: [redirectUri] }),
    callbackPort,
    resource: everything,
    async signIn(url) {
      await fetch(await driveSignIn(url, redirectUri, { user: 'alice' }));
    },
  });
  assert.deepEqual(
    run.outcomes.map(({ scenario, failed, warned }) => ({ scenario, failed, warned })),
    [
      { scenario: 'authorization-code-grant', failed: [], warned: [] },
      { scenario: 'authorization-server-metadata-endpoint', failed: [], warned: [] },
    ],
    run.output,
  );
  assert.ok(
    run.outcomes.every(({ succeeded }) => succeeded > 0),
    run.output,
  );
  assert.equal(run.exitCode, 0);
});
