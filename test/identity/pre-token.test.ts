import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFindClient } from '../../runtime/identity/client-identities.ts';
import { addClaims } from '../../runtime/identity/pre-token.ts';

// The shapes are those of the Cognito Developer Guide, "Pre token generation Lambda trigger", event versions two and three; the values are ours.
const ofUser = {
  version: '3',
  triggerSource: 'TokenGeneration_HostedAuth',
  region: 'eu-central-1',
  userPoolId: 'eu-central-1_EXAMPLE',
  userName: 'ada',
  callerContext: { awsSdkVersion: 'aws-sdk-unknown-unknown', clientId: '1example23456789' },
  request: {
    userAttributes: {
      sub: 'a1b2c3d4-5678-90ab-cdef-EXAMPLE11111',
      'cognito:user_status': 'CONFIRMED',
      email_verified: 'true',
      email: 'ada@example.com',
      'custom:tenant': 'acme',
    } as Record<string, string>,
    groupConfiguration: { groupsToOverride: ['approver', 'reader'], iamRolesToOverride: [], preferredRole: null },
    scopes: ['openid', 'https://mcp.example.com/postgres:query:readonly'],
  },
  response: { claimsAndScopeOverrideDetails: null },
};
const ofClient = {
  ...ofUser,
  triggerSource: 'TokenGeneration_ClientCredentials',
  userName: '',
  request: {
    userAttributes: {},
    groupConfiguration: { groupsToOverride: [], iamRolesToOverride: [], preferredRole: null },
    scopes: ['https://mcp.example.com/s3:list'],
    clientMetadata: { tenant: 'globex', roles: 'platform-admin' },
  },
};

test('a person’s access token gains tenant, roles and kind, and nothing is taken away', () => {
  const { response, ...rest } = addClaims(ofUser, undefined);
  assert.deepEqual(response, {
    claimsAndScopeOverrideDetails: {
      accessTokenGeneration: {
        claimsToAddOrOverride: { tenant: 'acme', roles: ['approver', 'reader'], kind: 'human' },
      },
      groupOverrideDetails: ofUser.request.groupConfiguration,
    },
  });
  const { response: _response, ...sent } = ofUser;
  assert.deepEqual(rest, sent);
});

test('a refreshed token gains the same', () => {
  const refreshed = addClaims({ ...ofUser, triggerSource: 'TokenGeneration_RefreshTokens' }, undefined);
  assert.deepEqual(refreshed.response, addClaims(ofUser, undefined).response);
});

test('a person without groups has no roles', () => {
  const request = { ...ofUser.request, groupConfiguration: {} };
  const { response } = addClaims({ ...ofUser, request }, undefined);
  assert.match(JSON.stringify(response), /"roles":\[\]/);
});

test('a client’s tenant is what its operator says, whatever metadata it sends', () => {
  const { response } = addClaims(ofClient, { tenant: 'acme', roles: ['reader'] });
  assert.deepEqual(response, {
    claimsAndScopeOverrideDetails: {
      accessTokenGeneration: { claimsToAddOrOverride: { tenant: 'acme', roles: ['reader'], kind: 'agent' } },
    },
  });
});

test('nobody gets a token without a tenant', () => {
  const withTenant = (tenant: string | undefined) => ({
    ...ofUser,
    request: { ...ofUser.request, userAttributes: tenant === undefined ? {} : { 'custom:tenant': tenant } },
  });
  assert.throws(() => addClaims(withTenant(undefined), undefined), /The user ada has no custom:tenant: set it/);
  for (const tenant of ['', 'Acme', '../acme', 'a'.repeat(64)]) {
    assert.throws(() => addClaims(withTenant(tenant), undefined), /unusable custom:tenant/);
  }
  assert.throws(() => addClaims(ofClient, undefined), /The client 1example23456789 has no tenant/);
  assert.throws(() => addClaims(ofClient, { tenant: 'A B', roles: [] }), /unusable tenant/);
  // What the operator says about a client never counts for a person who uses it.
  assert.throws(() => addClaims(withTenant(undefined), { tenant: 'acme', roles: [] }), /has no custom:tenant/);
});

test('the attribute that holds the tenant can be another', () => {
  const request = { ...ofUser.request, userAttributes: { 'custom:company': 'acme' } };
  assert.match(JSON.stringify(addClaims({ ...ofUser, request }, undefined, 'custom:company').response), /"acme"/);
});

test('clients are listed in the environment, as a tenant or with roles', async () => {
  const find = createFindClient({ CLIENT_TENANTS: '{"one":"acme","two":{"tenant":"globex","roles":["reader"]}}' });
  assert.deepEqual(await find('one'), { tenant: 'acme', roles: [] });
  assert.deepEqual(await find('two'), { tenant: 'globex', roles: ['reader'] });
  assert.deepEqual([await find('three'), await find('constructor')], [undefined, undefined]);
  for (const wrong of ['[]', 'acme', '{"one":1}', '{"one":{"roles":[]}}', '{"one":{"tenant":"a","roles":"reader"}}']) {
    assert.throws(() => createFindClient({ CLIENT_TENANTS: wrong }), wrong);
  }
});

test('other clients are read below a path, once a minute', async () => {
  const parameters: Record<string, string> = { '/toolgate/prod/clients/one': '{"tenant":"acme","roles":["reader"]}' };
  const asked: string[] = [];
  let nowMs = 0;
  const find = createFindClient(
    { CLIENTS_PATH: '/toolgate/prod/clients' },
    async (name) => {
      asked.push(name);
      return parameters[name];
    },
    () => nowMs,
  );
  assert.deepEqual(await find('one'), { tenant: 'acme', roles: ['reader'] });
  await find('one');
  assert.equal(asked.length, 1);
  delete parameters['/toolgate/prod/clients/one'];
  nowMs = 60_000;
  assert.equal(await find('one'), undefined);
  parameters['/toolgate/prod/clients/two'] = 'globex';
  assert.deepEqual(await find('two'), { tenant: 'globex', roles: [] });
  assert.equal(await find('../servers/billing'), undefined);
  assert.equal(asked.length, 3);
});

test('no answer about a client is no token', async () => {
  const find = createFindClient({ CLIENTS_PATH: '/clients' }, async () => {
    throw new Error('SSM is away');
  });
  await assert.rejects(find('one'), /SSM is away/);
});
