// What CloudFormation's validators do not see: a slip in the name of an IAM action, an index on an attribute that is not there, a mode of
// mutual TLS that does not exist, a door that is open to the Internet.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { referenceDeployment } from '../../bin/reference-deployment.ts';
import { MutualTls } from '../../lib/index.ts';
import { unknownActions } from '../support/iam-actions.ts';
import { testApp } from '../support/synth.ts';
import { makePlatform } from './make-platform.ts';

const templates = [...referenceTemplates(), mutualTlsTemplate()];
const resources = templates.flatMap((template) =>
  Object.values(template.toJSON().Resources as Record<string, Resource>),
);

interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is whatever the CDK wrote.
  readonly Properties: any;
}

test('every IAM action is one that somebody looked up', () => {
  assert.deepEqual(templates.flatMap(unknownActions), []);
});

test('no policy of a service allows every action or every resource but where AWS knows no resource', () => {
  const wide = resources
    .filter(({ Type }) => Type === 'AWS::IAM::Policy')
    .flatMap(({ Properties }) => statementsIn(Properties))
    .filter(({ Resource }) => [Resource].flat().includes('*'))
    .flatMap(actionsOf);
  // Step Functions delivers its log through an API of CloudWatch that has no resources. Step Functions Developer Guide, "IAM policies for logging".
  const delivery =
    /^logs:(?:(?:Create|Get|Update|Delete|List)LogDeliver(?:y|ies)|(?:Put|Describe)ResourcePolic(?:y|ies)|DescribeLogGroups)$/;
  const others = [...new Set(wide)].filter((action) => !delivery.test(action));
  assert.deepEqual(others, ['ecr:GetAuthorizationToken']);
});

test('every key of a table and of its indexes is an attribute that is defined, and none is defined in vain', () => {
  for (const { Properties } of ofType('AWS::DynamoDB::GlobalTable')) {
    const keys = [Properties, ...(Properties.GlobalSecondaryIndexes ?? [])].flatMap(({ KeySchema }) => KeySchema);
    const used = new Set(keys.map(({ AttributeName }: { AttributeName: string }) => AttributeName));
    const defined = Properties.AttributeDefinitions.map(
      ({ AttributeName }: { AttributeName: string }) => AttributeName,
    );
    assert.deepEqual([...used].sort(), defined.sort());
  }
});

test('mutual TLS is off or verifies', () => {
  const modes = ofType('AWS::ElasticLoadBalancingV2::Listener').map(
    ({ Properties }) => Properties.MutualAuthentication?.Mode,
  );
  assert.deepEqual([...new Set(modes)].sort(), ['verify', undefined]);
});

test('no rule of a load balancer has more values than it may, and no two of one listener the same priority', () => {
  for (const template of templates) {
    const rules = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
    const priorities = rules.map(
      ({ Properties }) => `${JSON.stringify(Properties.ListenerArn)} ${Properties.Priority}`,
    );
    assert.equal(new Set(priorities).size, rules.length);
    for (const { Properties } of rules) {
      const configs: { Values?: string[] }[] = Properties.Conditions.flatMap((each: object) => Object.values(each));
      const values = configs.flatMap((config) => (typeof config === 'object' ? (config.Values ?? []) : []));
      assert.ok(values.length >= 1 && values.length <= 5, JSON.stringify(Properties.Conditions));
    }
  }
});

test('only the public load balancer is open to the Internet, and only on its three ports', () => {
  const inline = ofType('AWS::EC2::SecurityGroup').flatMap(({ Properties }) => Properties.SecurityGroupIngress ?? []);
  const own = ofType('AWS::EC2::SecurityGroupIngress').map(({ Properties }) => Properties);
  const open = [...inline, ...own].filter(({ CidrIp, CidrIpv6 }) => CidrIp === '0.0.0.0/0' || CidrIpv6 === '::/0');
  assert.deepEqual([...new Set(open.map(({ FromPort }) => FromPort))].sort(), [443, 80, 8443].sort());
});

test('every container that runs is non-root by its image, cannot write its root and drops every capability', () => {
  for (const { Properties } of ofType('AWS::ECS::TaskDefinition')) {
    for (const container of Properties.ContainerDefinitions) {
      assert.equal(container.ReadonlyRootFilesystem, true);
      assert.deepEqual(container.LinuxParameters.Capabilities, { Drop: ['ALL'] });
      assert.notEqual(container.Privileged, true);
      const names: string[] = (container.Environment ?? []).map(({ Name }: { Name: string }) => Name);
      assert.deepEqual(
        names.filter((name) => /SECRET|PASSWORD|SEALING|MASK_KEY|REQUEST_STATE_KEY|DATABASE_URL/.test(name)),
        [],
      );
    }
  }
});

function ofType(type: string): Resource[] {
  const found = resources.filter(({ Type }) => Type === type);
  assert.ok(found.length > 0, `there is a ${type}`);
  return found;
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
}

function statementsIn(value: unknown): Statement[] {
  if (Array.isArray(value)) return value.flatMap(statementsIn);
  if (typeof value !== 'object' || value === null) return [];
  const here = 'Effect' in value && 'Action' in value ? [value as Statement] : [];
  return [...here, ...Object.values(value).flatMap(statementsIn)];
}

function actionsOf({ Action = [] }: Statement): string[] {
  return [Action].flat();
}

function referenceTemplates(): Template[] {
  return [false, true].flatMap((isDev) => {
    const app = testApp(JSON.parse(readFileSync('cdk.json', 'utf8')).context);
    referenceDeployment(app, {
      platformName: 'prod',
      domainName: 'tools.example.com',
      isDev,
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      tenantsPath: 'policies/data/tenants.json',
      policyVersion: 1,
    });
    return app.node.children.filter((child) => cdk.Stack.isStack(child)).map((stack) => Template.fromStack(stack));
  });
}

function mutualTlsTemplate(): Template {
  const stack = new cdk.Stack(testApp(), 'MutualTls');
  const bucket = s3.Bucket.fromBucketName(stack, 'Cas', 'cas');
  makePlatform(stack, { mutualTls: MutualTls.fromBundle({ bucket, key: 'ca.pem' }) });
  return Template.fromStack(stack);
}
