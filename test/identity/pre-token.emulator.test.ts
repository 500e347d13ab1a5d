import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { build } from 'esbuild';
import { askEmulator } from '../support/ask-emulator.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

/** dist/lambdas/pre-token as the build makes it, zipped. */
let code: string;
before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-pre-token-'));
  try {
    await build({
      entryPoints: ['runtime/identity/pre-token.ts'],
      outfile: join(folder, 'index.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      banner: {
        js: "import { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);",
      },
    });
    execFileSync('python3', ['-m', 'zipfile', '-c', 'code.zip', 'index.mjs'], { cwd: folder });
    code = readFileSync(join(folder, 'code.zip')).toString('base64');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The Lambda API, which is no JSON 1.1. */
async function lambda({ endpoint, region }: Ministack, method: string, path: string, body: object) {
  const response = await fetch(`${endpoint}/2015-03-31/functions${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/lambda/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return { failed: response.headers.get('x-amz-function-error') !== null, answer: (await response.json()) as Answer };
}

type Answer = Readonly<Record<string, unknown>>;

const variables = (endpoint: string, more: Readonly<Record<string, string>> = {}) => ({
  Variables: {
    CLIENTS_PATH: '/toolgate/test/clients',
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    ...more,
  },
});

/** A pool whose tokens go through the function. */
async function openPool(emulator: Ministack) {
  const cognito = (operation: string, input: object) =>
    askEmulator(emulator, 'cognito-idp', `AWSCognitoIdentityProviderService.${operation}`, input);
  const { answer } = await lambda(emulator, 'POST', '', {
    FunctionName: 'pre-token',
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Role: 'arn:aws:iam::000000000000:role/pre-token',
    Timeout: 5,
    Code: { ZipFile: code },
    Environment: variables(emulator.endpoint),
  });
  const LambdaArn = answer.FunctionArn;
  const pool = await cognito('CreateUserPool', {
    PoolName: 'test',
    LambdaConfig: { PreTokenGenerationConfig: { LambdaArn, LambdaVersion: 'V3_0' } },
  });
  const { Id: UserPoolId } = pool.UserPool as { Id: string };
  const client = async (ClientName: string, more: object) => {
    const { UserPoolClient } = await cognito('CreateUserPoolClient', { UserPoolId, ClientName, ...more });
    return UserPoolClient as { ClientId: string; ClientSecret: string };
  };
  return { UserPoolId, cognito, client };
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

test('the built function runs inside a pool, for people and for clients', async (t) => {
  const emulator = await startMinistack('');
  t.after(() => emulator.close());
  const { UserPoolId, cognito, client } = await openPool(emulator);

  await cognito('AdminCreateUser', {
    UserPoolId,
    Username: 'ada',
    UserAttributes: [
      { Name: 'email', Value: 'ada@example.com' },
      { Name: 'custom:tenant', Value: 'acme' },
    ],
  });
  const Password = 'Correct-horse-9-battery';
  await cognito('AdminSetUserPassword', { UserPoolId, Username: 'ada', Password, Permanent: true });
  await cognito('CreateGroup', { UserPoolId, GroupName: 'reader' });
  await cognito('AdminAddUserToGroup', { UserPoolId, Username: 'ada', GroupName: 'reader' });
  const app = await client('app', { ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'] });
  const signedIn = await cognito('InitiateAuth', {
    AuthFlow: 'USER_PASSWORD_AUTH',
    ClientId: app.ClientId,
    AuthParameters: { USERNAME: 'ada', PASSWORD: Password },
  });
  const { AccessToken } = signedIn.AuthenticationResult as { AccessToken: string };
  const ofAda = claimsOf(AccessToken);
  assert.deepEqual([ofAda.tenant, ofAda.roles, ofAda.kind], ['acme', ['reader'], 'human']);
  assert.deepEqual([ofAda['cognito:groups'], ofAda.username, ofAda.token_use], [['reader'], 'ada', 'access']);

  const machine = await client('nightly', { GenerateSecret: true, AllowedOAuthFlows: ['client_credentials'] });
  // This emulator cannot answer the function's question to SSM while it answers the token request, so here the client stands in a variable.
  const CLIENT_TENANTS = JSON.stringify({ [machine.ClientId]: { tenant: 'globex', roles: ['operator'] } });
  await lambda(emulator, 'PUT', '/pre-token/configuration', {
    Environment: variables(emulator.endpoint, { CLIENT_TENANTS }),
  });
  const basic = Buffer.from(`${machine.ClientId}:${machine.ClientSecret}`).toString('base64');
  const answer = await fetch(`${emulator.endpoint}/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token } = (await answer.json()) as { access_token: string };
  const ofMachine = claimsOf(access_token);
  assert.deepEqual([ofMachine.tenant, ofMachine.roles, ofMachine.kind], ['globex', ['operator'], 'agent']);
  assert.deepEqual([ofMachine.sub, ofMachine.username], [machine.ClientId, undefined]);
});

test('the built function finds a client in SSM, and fails for one that is not there', async (t) => {
  const emulator = await startMinistack('');
  t.after(() => emulator.close());
  await openPool(emulator);
  const invoke = (clientId: string) =>
    lambda(emulator, 'POST', '/pre-token/invocations', {
      version: '3',
      triggerSource: 'TokenGeneration_ClientCredentials',
      callerContext: { awsSdkVersion: 'aws-sdk-unknown-unknown', clientId },
      request: { userAttributes: {}, groupConfiguration: {}, scopes: [], clientMetadata: { tenant: 'globex' } },
      response: { claimsAndScopeOverrideDetails: null },
    });
  await askEmulator(emulator, 'ssm', 'AmazonSSM.PutParameter', {
    Name: '/toolgate/test/clients/nightly1',
    Value: JSON.stringify({ tenant: 'acme', roles: ['operator'] }),
    Type: 'String',
  });
  const known = await invoke('nightly1');
  assert.equal(known.failed, false, JSON.stringify(known.answer));
  assert.match(JSON.stringify(known.answer.response), /{"tenant":"acme","roles":\["operator"\],"kind":"agent"}/);
  const unknown = await invoke('nightly2');
  assert.equal(unknown.failed, true);
  assert.match(String(unknown.answer.errorMessage), /The client nightly2 has no tenant/);
});
