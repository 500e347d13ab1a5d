import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { IdentityProvider } from '../../../lib/constructs/identity-provider.ts';
import type { IdentityProviderProps } from '../../../lib/constructs/identity-provider-props.ts';
import type { ToolDomain } from '../../../lib/constructs/tool-domain.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

type Options = Partial<IdentityProviderProps>;
type Use = (identity: IdentityProvider, stack: cdk.Stack) => void;

const nothing: Use = () => {};

function build(stack: cdk.Stack, options: Options, use: Use): void {
  const given = { ...(options.userPool === undefined && { preTokenCode: lambda.Code.fromInline('//') }), ...options };
  const defaults = {
    platformName: 'prod',
    authorizationUrl: 'https://id.example.com',
    gatewayUrl: 'https://mcp.example.com',
  };
  use(new IdentityProvider(stack, 'Identity', { ...defaults, ...given }), stack);
}

function identity(options: Options = {}, use: Use = nothing): Template {
  return synthTemplate((stack) => build(stack, options, use)).template;
}

function failure(options: Options = {}, use: Use = nothing): string {
  return synthFailure((stack) => build(stack, options, use));
}

const billing: ToolDomain = {
  name: 'billing',
  scopes: [
    { name: 'billing:read', description: 'read invoices' },
    { name: 'billing:write', description: 'change invoices' },
  ],
};

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
    build(each, {}, (it) => {
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
    assert.match(failure({ domainPrefix }), new RegExp(`domainPrefix is "${domainPrefix}": give 1 to 63`));
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
    build(each, { toolDomains: [billing] }, (it) => {
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
  const message = failure({}, (made) => {
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
    build(stack, { userPool, toolDomains: [billing] }, (made) =>
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
    build(stack, { userPool, roles: ['reader'] }, nothing);
  });
  assert.match(message, /roles is given, but it is for a new user pool: leave it away, or leave userPool away/);
});

test('any OpenID issuer serves in Cognito’s place', () => {
  synthTemplate((stack) => {
    const clientSecret = secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'okta');
    const issuer = IdentityProvider.fromIssuer(stack, 'Okta', {
      issuer: 'https://acme.okta.com',
      clientId: 'toolgate',
      clientSecret,
    });
    assert.deepEqual(
      [
        issuer.issuer,
        issuer.clientId,
        issuer.signInScopes,
        issuer.rolesClaim,
        issuer.tenantClaim,
        issuer.directIssuers,
      ],
      ['https://acme.okta.com', 'toolgate', 'openid', 'roles', 'tenant', ''],
    );
    assert.equal(issuer.clientSecret, clientSecret);
    const made = (attributes: object) =>
      IdentityProvider.fromIssuer(stack, 'X', {
        issuer: 'https://a.example',
        clientId: 'c',
        clientSecret,
        ...attributes,
      });
    assert.throws(
      () => made({ issuer: 'http://a.example' }),
      /Stack\/X: issuer is "http:\/\/a\.example": give an https URL/,
    );
  });
});

test('tool domains that Cognito would refuse are refused with what to do', () => {
  const scope = { name: 'a:b', description: 'd' };
  const of = (...toolDomains: ToolDomain[]) => failure({ toolDomains });
  assert.match(of({ name: 'Billing', scopes: [scope] }), /tool domain is named "Billing": give 1 to 63 lower-case/);
  assert.match(
    of({ name: 'a', scopes: [scope] }, { name: 'a', scopes: [{ ...scope, name: 'c' }] }),
    /two tool domains are named "a"/,
  );
  assert.match(
    of({ name: 'a', scopes: [scope] }, { name: 'b', scopes: [scope] }),
    /"a:b" of the tool domain b is in another domain/,
  );
  assert.match(of({ name: 'a', scopes: [scope, scope] }), /tool domain a has the scope "a:b" twice/);
  for (const name of ['a/b', 'a b', '', 'ä', 'a"b']) {
    assert.match(
      of({ name: 'a', scopes: [{ ...scope, name }] }),
      /has the scope ".*": give 1 to 128 letters, digits and : \. _ -/,
    );
  }
  assert.match(
    of({ name: 'a', scopes: [{ ...scope, description: '' }] }),
    /description of 0 characters: give 1 to 256/,
  );
  assert.match(of({ name: 'a', scopes: [] }), /tool domain a has 0 scopes: give 1 to 100/);
  const many = Array.from({ length: 101 }, (_, index) => ({ ...scope, name: `s${index}` }));
  assert.match(of({ name: 'a', scopes: many }), /tool domain a has 101 scopes: give 1 to 100/);
});

test('more resource servers than a pool has are refused, until there are more', () => {
  const toolDomains = Array.from({ length: 26 }, (_, index) => ({
    name: `d${index}`,
    scopes: [{ name: `d${index}:read`, description: 'read' }],
  }));
  assert.match(
    failure({ toolDomains }),
    /26 tool domains, and a user pool has at most 25 resource servers: put tools .* resourceServersMax/,
  );
  identity({ toolDomains, resourceServersMax: 30 }).resourceCountIs('AWS::Cognito::UserPoolResourceServer', 26);
});

test('clients that Cognito would refuse, or that would mean something else, are refused', () => {
  const machine = (props: object) =>
    failure({ toolDomains: [billing] }, (made) => {
      made.addMachineClient({ name: 'm', tenant: 'acme', scopes: ['billing:read'], ...props });
    });
  assert.match(
    machine({ scopes: ['billing:erase'] }),
    /machine client m has the scope "billing:erase", which no tool domain has; there are: billing:read, billing:write/,
  );
  assert.match(machine({ scopes: [] }), /machine client m has 0 scopes: give 1 to 50/);
  assert.match(machine({ tenant: 'Acme' }), /tenant is "Acme": give 1 to 63 lower-case/);
  assert.match(machine({ name: 'a/b' }), /name is "a\/b": give 1 to 64 letters/);
  assert.match(
    machine({ accessTokenValidity: cdk.Duration.hours(2) }),
    /accessTokenValidity is 120 minutes: give 5 to 60/,
  );
  const app = (callback: string) =>
    failure({ toolDomains: [billing] }, (made) => {
      made.addAppClient({ name: 'c', callbackUrls: [callback], scopes: ['billing:read'] });
    });
  for (const callback of ['http://example.com/b', 'example.com', 'https://a.example/#x']) {
    assert.match(
      app(callback),
      /the app client c has the callback ".*": give https, or http on localhost, without a fragment/,
    );
  }
});

test('an origin that is none is refused', () => {
  assert.match(
    failure({ authorizationUrl: 'https://id.example.com/x' }),
    /authorizationUrl is "https:\/\/id\.example\.com\/x": give an https origin/,
  );
});
