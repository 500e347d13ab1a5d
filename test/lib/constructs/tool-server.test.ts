import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { kebabCase, writerName } from '../../../lib/constructs/tool-server.ts';
import { McpPlatform, PlatformProfile, ToolServer, type ToolServerProps } from '../../../lib/index.ts';
import { auditPlaceProblem } from '../../../runtime/shared/audit/audit-env.ts';
import { readEnv } from '../../../runtime/shared/read-env.ts';
import { readServerEnv } from '../../../runtime/tools/read/env.ts';
import { trustProblem } from '../../../runtime/tools/tool-server-env.ts';
import { synthFailure, synthTemplate, testApp } from '../../support/synth.ts';
import { billingServer } from '../billing-server.ts';
import { allowedActions, containerEnvironment, makePlatform } from '../make-platform.ts';

const billing = { image: ecs.ContainerImage.fromRegistry('billing'), ...billingServer };

test('a team writes one construct in an app of its own, and nothing of the platform is looked up', () => {
  const { template } = synthTemplate((stack) => void addBilling(stack));
  template.resourceCountIs('AWS::ECS::Service', 1);
  template.resourceCountIs('AWS::ElasticLoadBalancingV2::ListenerRule', 1);
  template.resourceCountIs('AWS::EC2::VPC', 0);
  template.hasResourceProperties('AWS::ECS::Service', {
    Cluster: Match.objectLike({ Ref: Match.stringLikeRegexp('clustername') }),
    NetworkConfiguration: {
      AwsvpcConfiguration: Match.objectLike({
        Subnets: { 'Fn::Split': [',', { Ref: Match.stringLikeRegexp('tasksubnetids') }] },
      }),
    },
  });
  // Its security group's own rules are the only ones: what another stack made is not changed from here.
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 8080, ToPort: 8080 });
  template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
  template.resourceCountIs('AWS::EC2::SecurityGroupEgress', 0);
});

test('a tool server can start with the environment that its construct gives it', () => {
  const { template } = synthTemplate((stack) => {
    const secret: secretsmanager.ISecret = secretsmanager.Secret.fromSecretNameV2(stack, 'Url', 'billing-url');
    const secrets = { DATABASE_URL: ecs.Secret.fromSecretsManager(secret) };
    addBilling(stack, { secrets, environment: { ROWS_MAX: '50' } });
  });
  const environment = readEnv(
    readServerEnv,
    containerEnvironment(template, 'Billing'),
    auditPlaceProblem,
    trustProblem,
  );
  assert.equal(environment.AUDIENCE, 'urn:toolgate:server:billing');
  assert.equal(environment.PUBLIC_URL, 'http://billing.tools.prod.internal');
  assert.equal(environment.GATEWAY_ISSUER, 'https://mcp.tools.example.com');
  assert.equal(environment.GATEWAY_JWKS_URL, 'http://gateway.tools.prod.internal:8081/.well-known/jwks.json');
  assert.deepEqual(environment.ALLOWED_ACTORS, ['spiffe://x1/gateway']);
  assert.equal(environment.REGISTRY_ISSUER, 'https://mcp.tools.example.com/registry');
  assert.equal(environment.REGISTRY_JWKS_URL, 'http://gateway.tools.prod.internal:8081/.well-known/registry-jwks.json');
  assert.equal(environment.REGISTRY_ACTOR, 'spiffe://x1/registry');
  assert.equal(environment.OWNER, 'team-billing');
  assert.equal(environment.AUDIT_WRITER, 'tools_billing');
  assert.equal(environment.ROWS_MAX, 50);
});

test('what the registry reads is declared once the service answers', () => {
  const { template } = synthTemplate((stack) => void addBilling(stack));
  const [parameter] = Object.values(template.findResources('AWS::SSM::Parameter'));
  assert.equal(parameter?.Properties.Name, '/toolgate/prod/servers/billing');
  assert.equal(parameter?.Properties.Tier, 'Standard');
  assert.ok(parameter?.DependsOn.some((id: string) => id.startsWith('BillingService')));
  const text = parameter?.Properties.Value['Fn::Join'][1]
    .map((part: unknown) => (typeof part === 'string' ? part : 'x1'))
    .join('');
  assert.deepEqual(JSON.parse(text), {
    v: 1,
    name: 'billing',
    owner: 'team-billing',
    url: 'http://billing.x1',
    audience: 'urn:toolgate:server:billing',
    tools: [
      { name: 'invoices.list', scopes: ['billing:read'], destructive: false },
      { name: 'invoices.cancel', scopes: ['billing:write'], destructive: true },
    ],
    scopes: {
      'billing:read': { words: 'read invoices', changes: false },
      'billing:write': { words: 'cancel invoices, each time a person agrees', changes: true },
    },
    slo: { availability: 99.9, latencyP95Ms: 800 },
    revision: 'x1',
  });
});

test('its code may write its own record, and what its team grants', () => {
  const { template } = synthTemplate((stack) => {
    const bucket = new s3.Bucket(stack, 'Invoices');
    bucket.grantRead(addBilling(stack).taskRole);
  });
  assert.deepEqual(allowedActions(template, 'BillingServiceTaskTaskRole'), [
    'kms:GenerateDataKey',
    'kms:GetPublicKey',
    'kms:Sign',
    's3:GetBucket*',
    's3:GetObject*',
    's3:List*',
    's3:PutObject',
  ]);
  const text = JSON.stringify(template.findResources('AWS::IAM::Policy'));
  assert.match(text, /\/calls\/tenant=\*\/dt=\*\/hour=\*\/tools_billing-\*\.jsonl\.gz/);
});

test('on a development platform the tasks are found by name and have a public address', () => {
  const { template } = synthTemplate((stack) => void addBilling(stack, {}, PlatformProfile.dev()));
  template.resourceCountIs('AWS::ElasticLoadBalancingV2::ListenerRule', 0);
  template.hasResourceProperties('AWS::ServiceDiscovery::Service', { Name: 'billing' });
  template.hasResourceProperties('AWS::ECS::Service', {
    DesiredCount: 1,
    NetworkConfiguration: { AwsvpcConfiguration: Match.objectLike({ AssignPublicIp: 'ENABLED' }) },
  });
});

test('in the app of the platform it is the same construct, in a stack of its own', () => {
  const app = testApp();
  const platform = makePlatform(new cdk.Stack(app, 'Platform'));
  const stack = new cdk.Stack(app, 'Tenant');
  new ToolServer(stack, 'Billing', { platform, ...billing });
  Template.fromStack(stack).hasResourceProperties('AWS::SSM::Parameter', { Name: '/toolgate/prod/servers/billing' });
});

test('a server is called after its id, unless it has a name', () => {
  assert.equal(kebabCase('Billing'), 'billing');
  assert.equal(kebabCase('BillingTools'), 'billing-tools');
  assert.equal(kebabCase('CRMTools'), 'crm-tools');
  assert.equal(kebabCase('billing_v2'), 'billing-v2');
  // Not `gr-e`: a letter that no name can have is refused, not dropped.
  assert.equal(kebabCase('Größe'), 'größe');
  const { template } = synthTemplate((stack) => void addBilling(stack, { name: 'money' }));
  template.hasResourceProperties('AWS::SSM::Parameter', { Name: '/toolgate/prod/servers/money' });
});

test('no writer can write in the name of another server', () => {
  const long = ['x'.repeat(63), `${'x'.repeat(62)}y`, 'customer-invoices-of-the-north'];
  // Of whoever looks up what a long name is cut to, and takes that for their own.
  const cutTo = long.map((name) =>
    writerName(name)
      .replace(/^tools?_/, '')
      .replaceAll('_', '-'),
  );
  const names = ['a', 'a-b', 'a-b-c', 'tools', ...long, ...cutTo];
  const writers = names.map(writerName);
  assert.equal(new Set(writers).size, names.length);
  for (const writer of writers) {
    assert.match(writer, /^[a-z0-9_]{1,31}$/);
    assert.deepEqual(
      writers.filter((other) => other.startsWith(`${writer}-`)),
      [],
    );
  }
});

test('two servers of an app cannot have a tool of the same name', () => {
  const failure = synthFailure((stack) => {
    const platform = McpPlatform.fromPlatformName(stack, 'Platform', 'prod');
    new ToolServer(stack, 'Billing', { platform, ...billing });
    new ToolServer(stack, 'Invoicing', { platform, ...billing });
  });
  assert.equal(
    failure,
    "Stack/Invoicing: The tool name invoices.list belongs to Stack/Billing already: rename one of the two: a tool's name is unique on the whole platform",
  );
});

test('a variable that the platform sets is not the team’s to set', () => {
  assert.match(
    synthFailure((stack) => void addBilling(stack, { environment: { AUDIENCE: 'urn:other' } })),
    /^Stack\/Billing: environment has AUDIENCE, which the platform sets for every tool server: leave it out$/,
  );
  assert.match(
    synthFailure((stack) => void addBilling(stack, { environment: { 'A-B': '1' } })),
    /environment has "A-B": a variable is letters, digits and underscores/,
  );
});

test('a variable that is there twice or holds no text is refused', () => {
  assert.match(
    synthFailure((stack) => {
      const secret = secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'billing') as secretsmanager.ISecret;
      addBilling(stack, { environment: { URL: 'x' }, secrets: { URL: ecs.Secret.fromSecretsManager(secret) } });
    }),
    /^Stack\/Billing: secrets has URL, which environment has too, or the platform sets/,
  );
  for (const value of [undefined, 5] as never[]) {
    assert.match(
      synthFailure((stack) => void addBilling(stack, { environment: { URL: value } })),
      new RegExp(`^Stack/Billing: environment has URL, which is ${value}: give a text, or leave it out$`),
    );
  }
});

test('what is required and not given is named', () => {
  for (const prop of ['platform', 'image', 'owner', 'slo', 'tools', 'scopes']) {
    assert.equal(
      synthFailure((stack) => void addBilling(stack, { [prop]: undefined })),
      `Stack/Billing: ${prop} is undefined, and it is required: give it`,
    );
  }
});

test('a cluster in another VPC is refused', () => {
  const failure = synthFailure((stack) => {
    const platform = makePlatform(stack);
    const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Vpc') as ec2.IVpc });
    new ToolServer(stack, 'Billing', { platform, ...billing, cluster });
  });
  assert.match(failure, /^Stack\/Billing: cluster is in the VPC Stack\/Vpc, and the platform in Stack\/Platform/);
});

test('a declaration above 4 KB takes the advanced tier, and one above 8 KB is refused', () => {
  const { template } = synthTemplate((stack) => void addBilling(stack, many(30)));
  template.hasResourceProperties('AWS::SSM::Parameter', { Tier: 'Advanced' });
  assert.match(
    synthFailure((stack) => void addBilling(stack, many(90))),
    /^Stack\/Billing: its declaration has up to \d+ characters, and an SSM parameter holds 8192: shorten the words of scopes, or split its 90 tools over two servers$/,
  );
});

test('what the registry would refuse is refused with the path of the construct', () => {
  const failure = synthFailure((stack) => void addBilling(stack, { owner: '' }));
  assert.match(failure, /^Stack\/Billing: owner is "": name the team/);
});

test('more tasks than the profile scales to is what the team gets', () => {
  const { template } = synthTemplate((stack) => void addBilling(stack, { desiredCount: 3 }, PlatformProfile.dev()));
  template.hasResourceProperties('AWS::ECS::Service', { DesiredCount: 3 });
});

test("a team's stack reads no parameter of the platform that it does not use, in either profile", () => {
  for (const profile of [PlatformProfile.production(), PlatformProfile.dev()]) {
    const { template } = synthTemplate((stack) => void addBilling(stack, {}, profile));
    const resources = JSON.stringify(template.toJSON().Resources);
    const unused = Object.keys(template.toJSON().Parameters).filter((name) => !resources.includes(`"${name}"`));
    assert.deepEqual(unused, ['BootstrapVersion']);
  }
});

function addBilling(stack: cdk.Stack, props: Partial<ToolServerProps> = {}, profile?: PlatformProfile): ToolServer {
  const platform = McpPlatform.fromPlatformName(stack, 'Platform', 'prod', profile);
  return new ToolServer(stack, 'Billing', { platform, ...billing, ...props });
}

/** A server with this many tools, each with a scope. */
function many(count: number): Pick<ToolServerProps, 'tools' | 'scopes'> {
  const numbers = Array.from({ length: count }, (_, index) => index);
  return {
    tools: numbers.map((number) => ({ name: `tool.${number}`, scopes: [`billing:${number}`] })),
    scopes: Object.fromEntries(
      numbers.map((number) => [`billing:${number}`, { words: 'do what this number stands for' }]),
    ),
  };
}
