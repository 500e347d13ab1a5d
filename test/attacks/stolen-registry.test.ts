import assert from 'node:assert/strict';
import { after, before, suite, type TestContext, test } from 'node:test';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { pino } from 'pino';
import {
  gatewayActor,
  gatewayKeysPath,
  registryActor,
  registryIssuer,
  registryKeysPath,
} from '../../runtime/contract/upstream-issuers.ts';
import { createMintRegistryToken } from '../../runtime/registry/mint-registry-token.ts';
import { canonicalSha256 } from '../../runtime/shared/canonical-json.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { encodePart, signCompact } from '../../runtime/shared/signing-keys/jose-signature.ts';
import { endorseKey } from '../../runtime/shared/signing-keys/key-statement.ts';
import { openKmsEndorser } from '../../runtime/shared/signing-keys/kms-endorser.ts';
import { openSigningKeys } from '../../runtime/shared/signing-keys/open-signing-keys.ts';
import { createSignApprovalReceipt, receiptType } from '../../runtime/shared/signing-keys/sign-approval-receipt.ts';
import { generateSigningKey, type SigningKey } from '../../runtime/shared/signing-keys/signing-keys.ts';
import { createStatementStore } from '../../runtime/shared/signing-keys/statement-store.ts';
import { createTokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { sampleCaller } from '../support/caller.ts';
import { publicUrl } from '../support/gateway-world.ts';
import { sampleGrant } from '../support/grant.ts';
import { type KmsDouble, startKmsDouble } from '../support/kms-double.ts';
import { openWiredGateway, wiredPrefix } from '../support/wired-gateway.ts';
import { audience, callMessage, startToolServerWorld } from '../tools/tool-server-world.ts';

const trustDomain = 'toolgate.local';
const [gateway, registry] = [gatewayActor(trustDomain), registryActor(trustDomain)];
const registryIss = registryIssuer(publicUrl);
const call = callMessage('echo.write');
const argumentsSha256 = canonicalSha256({ text: 'hello' });
const yes = {
  scope: 'echo:write approved:by:human',
  tool: 'echo.write',
  approval_id: 'grant-1',
  arguments_sha256: argumentsSha256,
};
const now = Date.now;
const hourMs = 3_600_000;

let kms: KmsDouble;
const saved = { ...process.env };

before(async () => {
  kms = await startKmsDouble();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_KMS: kms.endpoint,
    AWS_ACCESS_KEY_ID: kms.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: kms.credentials.secretAccessKey,
  });
});
after(async () => {
  process.env = saved;
  await kms.close();
});

/** A gateway and a registry, each under a root key of its own, and a tool server that trusts both for what they are. */
async function openWorld(t: TestContext) {
  const kmsClient = new KMSClient({ region: kms.region });
  t.after(() => kmsClient.destroy());
  const { KeyMetadata } = await kmsClient.send(
    new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
  );
  const registryKeyId = KeyMetadata?.KeyId ?? '';
  const log: string[] = [];
  const wired = await openWiredGateway(t, {
    env: { UPSTREAM_KMS_KEY_ID: kms.keyId, REGISTRY_KMS_KEY_ID: registryKeyId, UPSTREAM_KEY_LEAD_MS: '0' },
    logger: pino({ level: 'error' }, { write: (line: string) => log.push(JSON.parse(line).msg) }),
  });
  const client = wired.dynamo.createClient();
  t.after(() => client.destroy());
  const keys = await openSigningKeys(
    { UPSTREAM_KMS_KEY_ID: registryKeyId, UPSTREAM_KEY_LEAD_MS: 0, AWS_REGION: kms.region, TABLE_PREFIX: wiredPrefix },
    { actor: registry, writer: 'registry', client, now, logger: silentLogger() },
  );
  t.after(() => keys.close());
  const keySet = (path: string) => `${wired.gateway.url}${path}`;
  const verifier = createTokenVerifier({
    issuers: [
      { issuer: publicUrl, jwksUri: keySet(gatewayKeysPath) },
      { issuer: registryIss, jwksUri: keySet(registryKeysPath) },
    ],
    now,
    jwksCooldownMs: 0,
  });
  const tools = await startToolServerWorld({
    verifier,
    gateway: { issuer: publicUrl, actors: [gateway] },
    registry: { issuer: registryIss, actors: [registry] },
  });
  t.after(() => tools.server.close());

  return {
    wired,
    tools,
    log,
    keys,
    kidsOf: async (path: string): Promise<readonly string[]> => {
      const { keys } = (await (await fetch(keySet(path))).json()) as { keys: readonly { kid: string }[] };
      return keys.map(({ kid }) => kid);
    },
    /** What whoever may sign with the root key of the registry can do: has it say of a new key that it is `actor`'s. */
    async endorse(actor: string): Promise<SigningKey> {
      const key = generateSigningKey();
      const about = { actor, writer: 'thief', issuedAtMs: now(), expiresAtMs: now() + hourMs };
      const statement = await endorseKey(key, await openKmsEndorser(kmsClient, registryKeyId), about);
      await createStatementStore(client, wiredPrefix).put(key.kid, statement, about.expiresAtMs);
      return key;
    },
    /** No tool ran, and the one refusal is on record as it was answered. */
    async expectNo(message: unknown, token: string, status: number, code: string): Promise<void> {
      tools.audit.events.length = 0;
      const response = await tools.post(message, { token });
      const { error } = (await response.json()) as { error: { data: { code: string } } };
      assert.deepEqual([response.status, error.data.code], [status, code]);
      assert.equal(tools.calls.length, 0, 'no tool ran');
      assert.deepEqual(
        tools.audit.events.map((event) => [event.event, event.outcome, event.code]),
        [['http_refusal', 'refused', code]],
      );
    },
    /** As docs/tools.md says: by the gateway's issuer and its key set. */
    acceptReceipt: (jws: string) =>
      jwtVerify(jws, createRemoteJWKSet(new URL(keySet(gatewayKeysPath))), {
        issuer: publicUrl,
        audience,
        typ: receiptType,
        algorithms: ['ES256'],
      }),
  };
}

/** A token with any claims, under any key. */
function forge(key: SigningKey, claims: Readonly<Record<string, unknown>>): string {
  const seconds = Math.floor(now() / 1000);
  const payload = {
    ...{ aud: audience, sub: 'ada', client_id: 'client-1', tenant: 'acme', jti: 'forged', iat: seconds },
    ...{ exp: seconds + 60, ...claims },
  };
  return signCompact(encodePart({ alg: 'ES256', typ: 'at+jwt', kid: key.kid }), encodePart(payload), key);
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('the gateway calls the tool that a person allowed, and the registry lists tools', async (t) => {
  const { wired, tools, keys, acceptReceipt } = await openWorld(t);
  const grant = sampleGrant({ grantedAtMs: now(), expiresAtMs: now() + 60_000 });
  const approved = { audience, caller: sampleCaller(), scopes: ['echo:write'], callId: 'call-1' };
  const token = wired.deps.mint({ ...approved, tool: 'echo.write', approval: { grant, argumentsSha256 } });
  assert.equal((await tools.post(call, { token })).status, 200);
  assert.deepEqual(
    tools.calls.map(({ tool }) => tool),
    ['echo.write'],
  );
  const sign = createSignApprovalReceipt({ now, keys: wired.deps.signingKeys, issuer: publicUrl });
  assert.equal((await acceptReceipt(sign({ ...approved, grant }))).payload.approval_id, grant.id);
  const mint = createMintRegistryToken({ now, keys, gatewayUrl: publicUrl, trustDomain });
  const listed = await tools.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, { token: mint(audience) });
  assert.equal(listed.status, 200);
  assert.match(await listed.text(), /echo\.write/);
  assert.deepEqual(tools.audit.events, []);
});

test('whoever gets hold of the token of an approved call runs nothing but that call with it: insufficient_scope, recorded', async (t) => {
  const { wired, tools, expectNo } = await openWorld(t);
  const grant = sampleGrant({ grantedAtMs: now(), expiresAtMs: now() + 60_000 });
  const approved = { audience, caller: sampleCaller(), scopes: ['echo:write'], callId: 'call-1', tool: 'echo.write' };
  const token = wired.deps.mint({ ...approved, approval: { grant, argumentsSha256 } });
  for (const args of [{ text: 'hello ' }, { text: 'hello', more: true }, {}, undefined]) {
    await expectNo(callMessage('echo.write', args === undefined ? null : args), token, 403, 'insufficient_scope');
  }
  await expectNo(callMessage('echo.read'), token, 403, 'insufficient_scope');
  assert.equal((await tools.post(call, { token })).status, 200);
});

suite('whoever holds the key of a registry process', () => {
  test('signs nothing that passes for the gateway: token_invalid, recorded', async (t) => {
    const { keys, expectNo } = await openWorld(t);
    const stolen = keys.current();
    for (const act of [{ sub: gateway }, { sub: registry }]) {
      await expectNo(call, forge(stolen, { ...yes, iss: publicUrl, act }), 401, 'token_invalid');
    }
    await expectNo(call, forge(stolen, { ...yes, iss: registryIss, act: { sub: gateway } }), 401, 'token_invalid');
  });

  test('runs nothing as the registry, whatever scopes it writes: insufficient_scope, recorded', async (t) => {
    const { keys, expectNo } = await openWorld(t);
    const token = forge(keys.current(), { ...yes, iss: registryIss, act: { sub: registry } });
    const methods = ['initialize', 'server/discover', 'subscriptions/listen', 'notifications/cancelled', 'ping'];
    for (const message of [
      call,
      callMessage('echo.read'),
      callMessage('echo.nothing'),
      ...methods.map((method) => ({ jsonrpc: '2.0', id: 1, method })),
    ]) {
      await expectNo(message, token, 403, 'insufficient_scope');
    }
  });

  test('signs no receipt of a yes that a tool server believes', async (t) => {
    const { keys, acceptReceipt } = await openWorld(t);
    for (const issuer of [publicUrl, registryIss]) {
      const grant = sampleGrant({ grantedAtMs: now(), expiresAtMs: now() + 60_000 });
      const jws = createSignApprovalReceipt({ now, keys, issuer })({ grant, audience, callId: 'forged' });
      await assert.rejects(acceptReceipt(jws), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
    }
  });
});

suite('whoever holds the root key of the registry', () => {
  test('puts no key among those of the gateway: it is ignored and logged, and its tokens are token_invalid', async (t) => {
    const { endorse, kidsOf, log, expectNo, acceptReceipt } = await openWorld(t);
    const [before, registrys] = [await kidsOf(gatewayKeysPath), await kidsOf(registryKeysPath)];
    const key = await endorse(gateway);
    await until(async () => {
      assert.deepEqual(await kidsOf(gatewayKeysPath), before);
      return log.includes('a statement about a signing key does not verify and is ignored');
    }, 'the gateway meets the statement');
    assert.deepEqual(await kidsOf(registryKeysPath), registrys, 'nor among those of the registry');
    for (const iss of [publicUrl, registryIss]) {
      await expectNo(call, forge(key, { ...yes, iss, act: { sub: gateway } }), 401, 'token_invalid');
    }
    const grant = sampleGrant({ grantedAtMs: now(), expiresAtMs: now() + 60_000 });
    const keys = { current: () => key, jwks: async () => ({ keys: [] }), problem: () => undefined, close: () => {} };
    const receipt = createSignApprovalReceipt({ now, keys, issuer: publicUrl })({ grant, audience, callId: 'forged' });
    await assert.rejects(acceptReceipt(receipt), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  });

  test('has keys of a registry, which run nothing: insufficient_scope, recorded', async (t) => {
    const { endorse, kidsOf, expectNo } = await openWorld(t);
    const key = await endorse(registry);
    await until(async () => (await kidsOf(registryKeysPath)).includes(key.kid), 'it is published');
    await expectNo(call, forge(key, { ...yes, iss: registryIss, act: { sub: registry } }), 403, 'insufficient_scope');
    for (const iss of [publicUrl, registryIss]) {
      await expectNo(call, forge(key, { ...yes, iss, act: { sub: gateway } }), 401, 'token_invalid');
    }
  });
});
