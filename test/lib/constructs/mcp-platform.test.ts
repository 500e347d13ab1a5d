import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import {
  AuditTrail,
  IdentityProvider,
  McpPlatform,
  MutualTls,
  PlatformProfile,
  StateTables,
  ToolRouting,
} from '../../../lib/index.ts';
import { approvalsEnv, pageProblem, slackProblem } from '../../../runtime/approvals/env.ts';
import { authorizationEnv, checkAuthorizationEnv } from '../../../runtime/authorization/env.ts';
import { gatewayEnv } from '../../../runtime/gateway/env.ts';
import { checkRegistryEnv, registryEnv } from '../../../runtime/registry/env.ts';
import { auditPlaceProblem } from '../../../runtime/shared/audit/audit-env.ts';
import { readEnv } from '../../../runtime/shared/read-env.ts';
import { synthFailure, synthTemplate, testApp } from '../../support/synth.ts';
import { allowedActions, containerEnvironment, makePlatform } from '../make-platform.ts';

const { template } = synthTemplate((stack) => void makePlatform(stack));
const dev = synthTemplate((stack) => void makePlatform(stack, { profile: PlatformProfile.dev() })).template;

test('each service can start with the environment that its construct gives it', () => {
  for (const each of [template, dev]) {
    const gateway = readEnv(gatewayEnv, containerEnvironment(each, 'PlatformGateway'), auditPlaceProblem);
    assert.equal(gateway.PUBLIC_URL, 'https://mcp.tools.example.com');
    assert.equal(gateway.TRUST_DOMAIN, 'prod.tools.example.com');
    assert.equal(gateway.MASK_KEY?.byteLength, 32);
    assert.equal(gateway.REQUEST_STATE_KEY?.byteLength, 32);
    assert.equal(gateway.MTLS_PORT, undefined);
    assert.equal(gateway.POLICY_DIR, '/var/toolgate/policy');
    const authorization = readEnv(authorizationEnv, containerEnvironment(each, 'PlatformAuthorization'));
    checkAuthorizationEnv(authorization);
    assert.equal(authorization.AUTHORIZATION_ISSUER, 'https://id.tools.example.com');
    const approvals = readEnv(
      approvalsEnv,
      containerEnvironment(each, 'PlatformApprovals'),
      auditPlaceProblem,
      slackProblem,
      pageProblem,
    );
    assert.equal(approvals.PUBLIC_URL, 'https://mcp.tools.example.com');
    assert.equal(approvals.SLACK_BOT_TOKEN, undefined);
    assert.equal(gateway.APPROVALS_URL, approvals.PUBLIC_URL);
    assert.equal(authorization.APPROVALS_URL, approvals.PUBLIC_URL);
    assert.ok(gateway.APPROVAL_WORKFLOW_ARN !== '' && approvals.APPROVAL_WORKFLOW_ARN !== '');
    const registry = readEnv(registryEnv, containerEnvironment(each, 'PlatformRegistry'), auditPlaceProblem);
    checkRegistryEnv(registry);
    assert.equal(registry.DECLARATIONS_PATH, '/toolgate/prod/servers');
    assert.equal(registry.TOOL_DOMAIN, 'tools.prod.internal');
  }
});

test('the gateway answers to the names by which it is reached, and finds the keys of the authorization server inside the network', () => {
  const { ALLOWED_HOSTS, ISSUERS } = containerEnvironment(template, 'PlatformGateway');
  assert.equal(ALLOWED_HOSTS, 'gateway.tools.prod.internal:8081');
  assert.equal(ISSUERS, 'https://id.tools.example.com=http://id.tools.prod.internal:8081/jwks');
  const small = containerEnvironment(dev, 'PlatformGateway');
  assert.equal(small.ALLOWED_HOSTS, 'gateway.tools.prod.internal:8080');
  assert.equal(small.ISSUERS, 'https://id.tools.example.com=http://id.tools.prod.internal:8080/jwks');
});

test('with mutual TLS the gateway has a second port and a second target group', () => {
  const { template: mutual } = synthTemplate((stack) => {
    const bucket = s3.Bucket.fromBucketName(stack, 'Cas', 'cas');
    makePlatform(stack, { mutualTls: MutualTls.fromBundle({ bucket, key: 'ca.pem' }) });
  });
  const environment = readEnv(gatewayEnv, containerEnvironment(mutual, 'PlatformGateway'), auditPlaceProblem);
  assert.equal(environment.MTLS_PORT, 8081);
  assert.ok(environment.ALLOWED_HOSTS.includes('mcp.tools.example.com:8443'));
  mutual.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', { Port: 8081, HealthCheckPath: '/healthz' });
});

test('each service may do what its code does, and nothing else', () => {
  assert.deepEqual(allowedActions(template, 'PlatformGatewayServiceTaskTaskRole'), [
    'dynamodb:BatchGetItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'dynamodb:Scan',
    'dynamodb:UpdateItem',
    'kms:GenerateDataKey',
    'kms:GetPublicKey',
    'kms:Sign',
    's3:GetObject',
    's3:PutObject',
    'ssm:GetParameter',
    'states:StartExecution',
  ]);
  const ofApprovals = allowedActions(template, 'PlatformApprovalsServiceTaskTaskRole');
  assert.deepEqual(
    ofApprovals.filter((action) => !action.startsWith('dynamodb:')),
    [
      'kms:GenerateDataKey',
      'kms:GetPublicKey',
      'kms:Sign',
      's3:GetObject',
      's3:PutObject',
      'ssm:GetParameter',
      'states:SendTaskFailure',
      'states:SendTaskHeartbeat',
      'states:SendTaskSuccess',
    ],
  );
  assert.deepEqual(allowedActions(template, 'PlatformAuthorizationServiceTaskTaskRole'), [
    'dynamodb:DeleteItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'dynamodb:UpdateItem',
    'ssm:GetParametersByPath',
  ]);
  assert.deepEqual(allowedActions(template, 'PlatformRegistryServiceTaskTaskRole'), [
    'dynamodb:DeleteItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'dynamodb:Scan',
    'dynamodb:UpdateItem',
    'kms:GenerateDataKey',
    'kms:GetPublicKey',
    'kms:Sign',
    's3:PutObject',
    'ssm:GetParametersByPath',
  ]);
});

test('gateway and registry sign with a root key each, and of the registry’s the gateway gets the public half alone', () => {
  const [gateway, registry] = ['PlatformGatewayServiceTaskTaskRole', 'PlatformRegistryServiceTaskTaskRole'];
  const both = ['kms:GetPublicKey', 'kms:Sign'];
  assert.deepEqual(allowedActions(template, gateway, 'PlatformUpstreamKey'), both);
  assert.deepEqual(allowedActions(template, gateway, 'PlatformRegistryKey'), ['kms:GetPublicKey']);
  assert.deepEqual(allowedActions(template, registry, 'PlatformRegistryKey'), both);
  assert.deepEqual(allowedActions(template, registry, 'PlatformUpstreamKey'), []);
  const keyOf = (service: string, name: string) => {
    const [[, definition] = []] = Object.entries(template.findResources('AWS::ECS::TaskDefinition')).filter(([id]) =>
      id.startsWith(`Platform${service}`),
    );
    const environment: { Name: string; Value: unknown }[] =
      definition?.Properties.ContainerDefinitions[0].Environment ?? [];
    return JSON.stringify(environment.find(({ Name }) => Name === name)?.Value);
  };
  assert.match(keyOf('Gateway', 'UPSTREAM_KMS_KEY_ID'), /PlatformUpstreamKey/);
  assert.match(keyOf('Gateway', 'REGISTRY_KMS_KEY_ID'), /PlatformRegistryKey/);
  assert.match(keyOf('Registry', 'UPSTREAM_KMS_KEY_ID'), /PlatformRegistryKey/);
});

test('each service lets in what is in front of it, and the registry nobody', () => {
  const into = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(({ Properties }) =>
    String(Properties.GroupId['Fn::GetAtt'][0]).replace(/[0-9A-F]{8}$/, ''),
  );
  const count = (group: string) => into.filter((each) => each === `Platform${group}`).length;
  // The public and the internal load balancer.
  assert.equal(count('GatewayServiceSecurityGroup'), 2);
  assert.equal(count('AuthorizationServiceSecurityGroup'), 2);
  assert.equal(count('ApprovalsServiceSecurityGroup'), 1);
  assert.equal(count('ToolEdgeLoadBalancerSecurityGroup'), 3);
  assert.equal(into.length, 8, into.join(', '));
  for (const { Properties } of Object.values(template.findResources('AWS::ECS::Service'))) {
    const groups = Properties.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups;
    assert.ok(groups.length >= 1 && groups.length <= 2);
  }
});

test('what a tenant reads is what the platform publishes, by either profile', () => {
  for (const [profile, published] of [
    [PlatformProfile.production(), parametersOf(template)],
    [PlatformProfile.dev(), parametersOf(dev)],
  ] as const) {
    const app = testApp();
    const tenant = new cdk.Stack(app, 'Tenant');
    const platform = McpPlatform.fromPlatformName(tenant, 'Platform', 'prod', profile);
    assert.match(platform.network.vpc.vpcCidrBlock, /Token/);
    const read = Object.values(Template.fromStack(tenant).findParameters('*', { Type: Match.stringLikeRegexp('SSM') }));
    const names = read.map(({ Default }) => String(Default)).filter((name) => !name.startsWith('/cdk-bootstrap/'));
    assert.ok(names.length > 8);
    assert.deepEqual(
      names.filter((name) => !published.includes(name)),
      [],
    );
  }
});

test('a development platform has one load balancer, one task of each service on spare capacity, and no WAF', () => {
  dev.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 1);
  dev.resourceCountIs('AWS::WAFv2::WebACL', 0);
  dev.resourceCountIs('AWS::EC2::NatGateway', 0);
  dev.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
  dev.allResourcesProperties('AWS::ECS::Service', {
    DesiredCount: 1,
    CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }],
    NetworkConfiguration: { AwsvpcConfiguration: Match.objectLike({ AssignPublicIp: 'ENABLED' }) },
  });
  dev.allResources('AWS::DynamoDB::GlobalTable', { DeletionPolicy: 'Delete' });
});

test('a production platform keeps its state when the stack goes', () => {
  for (const type of ['AWS::DynamoDB::GlobalTable', 'AWS::Cognito::UserPool']) {
    template.allResources(type, { DeletionPolicy: Match.stringLikeRegexp('^Retain') });
  }
  const kept = (type: string) =>
    Object.entries(template.findResources(type))
      .filter(([, { DeletionPolicy }]) => String(DeletionPolicy).startsWith('Retain'))
      .map(([id]) => id.replace(/[0-9A-F]{8}$/, ''));
  assert.deepEqual(kept('AWS::SecretsManager::Secret'), ['PlatformAuthorizationSealingKey', 'PlatformGatewayMaskKey']);
  assert.deepEqual(kept('AWS::KMS::Key'), [
    'PlatformAuditEncryptionKey',
    'PlatformAuditSigningKey',
    'PlatformUpstreamKey',
    'PlatformRegistryKey',
  ]);
  template.hasResource('AWS::S3::Bucket', {
    DeletionPolicy: 'Retain',
    Properties: Match.objectLike({ ObjectLockEnabled: true }),
  });
});

test('every part can be one that is there already', () => {
  const { template: own } = synthTemplate((stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['a', 'b'],
      publicSubnetIds: ['subnet-1', 'subnet-2'],
      privateSubnetIds: ['subnet-3', 'subnet-4'],
      vpcCidrBlock: '10.1.0.0/16',
    });
    const secret = secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'entra');
    makePlatform(stack, {
      vpc,
      cluster: ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'shared', vpc }),
      identity: IdentityProvider.fromIssuer(stack, 'Issuer', {
        issuer: 'https://login.example.com',
        clientId: 'toolgate',
        clientSecret: secret,
      }),
      stateTables: StateTables.fromStateTablesAttributes(stack, 'Tables', { platformName: 'prod' }),
      audit: AuditTrail.fromAuditTrailAttributes(stack, 'Audit', {
        bucket: s3.Bucket.fromBucketName(stack, 'Bucket', 'records'),
        signingKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:111122223333:key/1'),
      }),
      toolRouting: ToolRouting.discovery(),
      trustDomain: 'acme.example',
    });
  });
  for (const type of ['AWS::EC2::VPC', 'AWS::ECS::Cluster', 'AWS::Cognito::UserPool', 'AWS::DynamoDB::GlobalTable']) {
    own.resourceCountIs(type, 0);
  }
  own.hasResourceProperties('AWS::SSM::Parameter', {
    Name: '/toolgate/prod/platform/audit-encryption-key-arn',
    Value: { 'Fn::Join': ['', Match.arrayWith([':key/none'])] },
  });
  const gateway = readEnv(gatewayEnv, containerEnvironment(own, 'PlatformGateway'), auditPlaceProblem);
  assert.equal(gateway.TRUST_DOMAIN, 'acme.example');
  const authorization = readEnv(authorizationEnv, containerEnvironment(own, 'PlatformAuthorization'));
  assert.equal(authorization.UPSTREAM_OIDC_ISSUER, 'https://login.example.com');
});

test('a platform that does not say who may do what is refused', () => {
  const failure = synthFailure((stack) => void makePlatform(stack, { tenantsPath: undefined }));
  assert.match(failure, /^Stack\/Platform: tenantsPath is missing: say who may do what with tenantsPath, a file like/);
  assert.match(
    synthFailure((stack) => void makePlatform(stack, { policyVersion: undefined })),
    /^Stack\/Platform: policyVersion is missing/,
  );
});

test('a name that no platform can have is refused', () => {
  assert.match(
    synthFailure((stack) => void makePlatform(stack, { platformName: 'Prod' })),
    /^Stack\/Platform: platformName is "Prod": give a literal of 1 to 32/,
  );
  assert.match(
    synthFailure((stack) => void McpPlatform.fromPlatformName(stack, 'Platform', 'Prod')),
    /platformName is "Prod"/,
  );
});

function parametersOf(of: Template): string[] {
  return Object.values(of.findResources('AWS::SSM::Parameter')).map(({ Properties }) => String(Properties.Name));
}
