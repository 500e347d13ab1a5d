import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { IdentityProvider } from '../../../lib/constructs/identity-provider.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';
import { billing, buildIdentity, identity, identityFailure } from '../make-identity.ts';

/** The clients of the pool by their names. */
function clients(template: Template): Record<string, Record<string, unknown>> {
  const found = Object.values(template.findResources('AWS::Cognito::UserPoolClient'));
  return Object.fromEntries(found.map(({ Properties }) => [Properties.ClientName, Properties]));
}

test('people are invited, sign in with a second factor, and the pool outlives its stack', () => {
  const template = identity();
  template.hasResource('AWS::Cognito::UserPool', {
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: Match.objectLike({
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      DeletionProtection: 'ACTIVE',
      EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
      MfaConfiguration: 'ON',
      UserPoolTier: 'ESSENTIALS',
      UsernameAttributes: ['email'],
    }),
  });
  const short = identity({ deletionProtection: false, removalPolicy: cdk.RemovalPolicy.DESTROY });
  short.hasResource('AWS::Cognito::UserPool', {
    DeletionPolicy: 'Delete',
    Properties: Match.objectLike({ DeletionProtection: 'INACTIVE' }),
  });
});

test('threat protection takes the plan that has it', () => {
  identity({ threatProtection: true }).hasResourceProperties('AWS::Cognito::UserPool', {
    UserPoolTier: 'PLUS',
    UserPoolAddOns: { AdvancedSecurityMode: 'ENFORCED' },
  });
});

test('no client of people can write a tenant', () => {
  const template = identity({ toolDomains: [billing] }, (made) => {
    made.addAppClient({
      name: 'console',
      callbackUrls: ['https://console.example.com/back'],
      scopes: ['billing:read'],
    });
  });
  for (const [name, { WriteAttributes }] of Object.entries(clients(template)))
    assert.deepEqual(WriteAttributes, ['email'], name);
  assert.equal(Object.keys(clients(template)).length, 2);
});

test('the tenant is an attribute that operators can change', () => {
  identity().hasResourceProperties('AWS::Cognito::UserPool', {
    Schema: Match.arrayWith([Match.objectLike({ Name: 'tenant', AttributeDataType: 'String', Mutable: true })]),
  });
});

test('the roles that policy knows are groups', () => {
  const groups = Object.values(identity().findResources('AWS::Cognito::UserPoolGroup'));
  const names = groups.map(({ Properties }) => Properties.GroupName);
  assert.deepEqual(names.sort(), ['approver', 'operator', 'platform-admin', 'reader']);
});

test('the authorization service signs people in by code, with openid alone and a quarter of an hour', () => {
  const client = clients(identity())['toolgate-authorization'];
  assert.deepEqual(client?.AllowedOAuthFlows, ['code']);
  assert.deepEqual(client?.AllowedOAuthScopes, ['openid']);
  assert.deepEqual(client?.CallbackURLs, ['https://id.example.com/sign-in/callback']);
  assert.equal(client?.GenerateSecret, true);
  assert.equal(client?.AccessTokenValidity, 15);
  assert.deepEqual(client?.ExplicitAuthFlows, ['ALLOW_REFRESH_TOKEN_AUTH']);
  assert.match(String(client?.ReadAttributes), /custom:tenant/);
});

test('what the services need is told', () => {
  let made: IdentityProvider | undefined;
  const { stack } = synthTemplate((each) =>
    buildIdentity(each, {}, (it) => {
      made = it;
    }),
  );
  assert.ok(made);
  assert.equal(made.signInScopes, 'openid');
  assert.equal(made.rolesClaim, 'cognito:groups');
  assert.equal(made.tenantClaim, 'custom:tenant');
  assert.equal(stack.resolve(made.directIssuers), '');
  const issuer = JSON.stringify(stack.resolve(made.issuer));
  assert.match(issuer, /https:\/\//);
  assert.match(issuer, /ProviderName/);
});

test('a client secret goes from Cognito to Secrets Manager without a function and without the template', () => {
  const template = identity();
  template.hasResourceProperties('AWS::SecretsManager::Secret', {
    SecretString: { 'Fn::GetAtt': [Match.stringLikeRegexp('IdentitySignInClient'), 'ClientSecret'] },
  });
  template.resourceCountIs('AWS::Lambda::Function', 1);
});

test('the sign-in pages have a host of their own in the region', () => {
  identity().hasResourceProperties('AWS::Cognito::UserPoolDomain', {
    Domain: Match.objectLike({ 'Fn::Join': Match.anyValue() }),
  });
  identity({ domainPrefix: 'acme-tools' }).hasResourceProperties('AWS::Cognito::UserPoolDomain', {
    Domain: 'acme-tools',
  });
  for (const domainPrefix of ['Acme', '-acme', 'acme-cognito', 'my-aws', '']) {
    assert.match(identityFailure({ domainPrefix }), new RegExp(`domainPrefix is "${domainPrefix}": give 1 to 63`));
  }
});

test('every client of people has a style, without which its sign-in page is missing', () => {
  const template = identity({ toolDomains: [billing] }, (made) => {
    made.addAppClient({
      name: 'console',
      callbackUrls: ['https://console.example.com/back'],
      scopes: ['billing:read'],
    });
  });
  template.resourceCountIs('AWS::Cognito::ManagedLoginBranding', 2);
});

test('a tool domain is a resource server with a name that is no URL and the door of its server as identifier', () => {
  identity({ toolDomains: [billing] }).hasResourceProperties('AWS::Cognito::UserPoolResourceServer', {
    Identifier: 'https://mcp.example.com/servers/billing/mcp',
    Name: 'billing',
    Scopes: [
      { ScopeName: 'billing:read', ScopeDescription: 'read invoices' },
      { ScopeName: 'billing:write', ScopeDescription: 'change invoices' },
    ],
  });
  identity({ toolDomains: [{ ...billing, identifier: 'https://mcp.example.com/mcp' }] }).hasResourceProperties(
    'AWS::Cognito::UserPoolResourceServer',
    { Identifier: 'https://mcp.example.com/mcp' },
  );
});

test('a machine gets tokens for its scopes, a secret, and a tenant that it cannot choose', () => {
  const template = identity({ toolDomains: [billing] }, (made) => {
    made.addMachineClient({ name: 'nightly', tenant: 'acme', scopes: ['billing:read'], roles: ['reader'] });
  });
  const client = clients(template).nightly;
  assert.deepEqual(client?.AllowedOAuthFlows, ['client_credentials']);
  assert.match(JSON.stringify(client?.AllowedOAuthScopes), /Ref.*billing.*\/billing:read/);
  assert.equal(client?.AccessTokenValidity, 15);
  template.hasResourceProperties('AWS::SSM::Parameter', {
    Name: {
      'Fn::Join': ['', ['/toolgate/prod/clients/', { Ref: Match.stringLikeRegexp('IdentityMachinenightlyClient') }]],
    },
    Type: 'String',
    Value: '{"tenant":"acme","roles":["reader"]}',
  });
  template.hasResourceProperties('AWS::SecretsManager::Secret', {
    SecretString: { 'Fn::GetAtt': [Match.stringLikeRegexp('IdentityMachinenightlyClient'), 'ClientSecret'] },
  });
});

test('the gateway is told which clients and resource servers it may believe', () => {
  let made: IdentityProvider | undefined;
  const { stack } = synthTemplate((each) =>
    buildIdentity(each, { toolDomains: [billing] }, (it) => {
      made = it;
      it.addMachineClient({ name: 'nightly', tenant: 'acme', scopes: ['billing:read'] });
      it.addAppClient({ name: 'console', callbackUrls: ['http://localhost:3000/back'], scopes: ['billing:write'] });
    }),
  );
  const parts: unknown[] = stack.resolve(made?.directIssuers)['Fn::Join'][1];
  const json = parts
    .map((part) => (typeof part === 'string' ? part : Object.values(part as object).flat()[0]))
    .join('');
  const [issuer] = JSON.parse(json);
  assert.deepEqual(Object.keys(issuer).sort(), ['clientIds', 'issuer', 'jwksUri', 'resourceServerIdentifier']);
  assert.deepEqual(issuer.resourceServerIdentifier, ['https://mcp.example.com/servers/billing/mcp']);
  assert.equal(issuer.clientIds.length, 2);
  assert.match(issuer.clientIds[0], /Machinenightly/);
  assert.match(issuer.clientIds[1], /Appconsole/);
  assert.equal(issuer.jwksUri, `${issuer.issuer}/.well-known/jwks.json`);
});

test('an application of people gets no scope that is not of a tool domain', () => {
  const template = identity({ toolDomains: [billing] }, (made) => {
    made.addAppClient({ name: 'console', callbackUrls: ['https://c.example.com/b'], scopes: ['billing:read'] });
  });
  template.hasResourceProperties('AWS::Cognito::UserPoolClient', {
    ClientName: 'console',
    AllowedOAuthScopes: [
      { 'Fn::Join': ['', [{ Ref: Match.stringLikeRegexp('ToolDomainsbilling') }, '/billing:read']] },
    ],
    GenerateSecret: false,
  });
});

test('the pool asks the pre-token function for people and machines, and the function names no client', () => {
  const template = identity({ toolDomains: [billing] }, (made) => {
    for (const name of ['one', 'two']) made.addMachineClient({ name, tenant: 'acme', scopes: ['billing:read'] });
  });
  template.hasResourceProperties('AWS::Cognito::UserPool', {
    LambdaConfig: { PreTokenGenerationConfig: { LambdaVersion: 'V3_0', LambdaArn: Match.anyValue() } },
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Environment: { Variables: { CLIENTS_PATH: '/toolgate/prod/clients' } },
  });
});

test('a function that named a client could not be deployed, which is why clients have parameters', () => {
  const message = identityFailure({}, (made) => {
    const code = made.preToken?.function.node.defaultChild as lambda.CfnFunction;
    code.addPropertyOverride('Environment.Variables.CLIENT', made.clientId);
  });
  assert.match(message, /dependency cycle/);
});

test('the function reads the parameters of its platform’s clients, writes its log, and may do nothing else', () => {
  const template = identity();
  const policies = Object.values(template.findResources('AWS::IAM::Policy'));
  const statements = policies.flatMap(
    ({ Properties }) => (Properties.PolicyDocument as { Statement: { Action: unknown }[] }).Statement,
  );
  assert.deepEqual(statements.map(({ Action }) => Action).sort(), [
    ['logs:CreateLogStream', 'logs:PutLogEvents'],
    'ssm:GetParameter',
  ]);
  template.hasResourceProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() });
  assert.match(JSON.stringify(statements), /parameter\/toolgate\/prod\/clients\/\*/);
});

test('a pool that is there is used as it is', () => {
  const { template } = synthTemplate((stack) => {
    const userPool = cognito.UserPool.fromUserPoolId(stack, 'Own', 'us-east-1_abc');
    buildIdentity(stack, { userPool, toolDomains: [billing] }, (made) =>
      made.addMachineClient({ name: 'm', tenant: 'acme', scopes: ['billing:read'] }),
    );
  });
  for (const type of ['UserPool', 'UserPoolDomain', 'UserPoolGroup', 'ManagedLoginBranding']) {
    template.resourceCountIs(`AWS::Cognito::${type}`, 0);
  }
  template.resourceCountIs('AWS::Lambda::Function', 0);
  template.resourcePropertiesCountIs('AWS::Cognito::UserPoolClient', { UserPoolId: 'us-east-1_abc' }, 2);
  const message = synthFailure((stack) => {
    const userPool = cognito.UserPool.fromUserPoolId(stack, 'Own', 'us-east-1_abc');
    buildIdentity(stack, { userPool, roles: ['reader'] }, () => {});
  });
  assert.match(
    message,
    /roles is given, and userPool too, which brings that along: leave roles away, or leave userPool away/,
  );
});
