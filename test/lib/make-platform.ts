import assert from 'node:assert/strict';
import type * as cdk from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import { McpPlatform, type McpPlatformProps } from '../../lib/index.ts';

/** A platform called `prod` in `stack`. */
export function makePlatform(stack: cdk.Stack, props: Partial<McpPlatformProps> = {}): McpPlatform {
  return new McpPlatform(stack, 'Platform', {
    platformName: 'prod',
    domainName: 'tools.example.com',
    certificate: acm.Certificate.fromCertificateArn(
      stack,
      'Certificate',
      'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
    ),
    tenantsPath: 'policies/data/tenants.json',
    policyVersion: 1,
    ...props,
  });
}

/** What the container of the task definition with this start of a logical id would find in its environment, references as short words. */
export function containerEnvironment(template: Template, logicalId: string): Readonly<Record<string, string>> {
  const definitions = Object.entries(template.findResources('AWS::ECS::TaskDefinition'));
  const found = definitions.filter(([id]) => id.startsWith(logicalId));
  assert.equal(found.length, 1, `one of ${definitions.map(([id]) => id).join(', ')} starts with ${logicalId}`);
  const [container] = found[0]?.[1].Properties.ContainerDefinitions ?? [];
  const texts: { Name: string; Value: unknown }[] = container.Environment ?? [];
  const secrets: { Name: string }[] = container.Secrets ?? [];
  return Object.fromEntries([
    ...texts.map(({ Name, Value }) => [Name, word(Value)]),
    // As a generated secret is: 43 letters and digits.
    ...secrets.map(({ Name }) => [Name, 'Ab3'.repeat(15).slice(0, 43)]),
  ]);
}

/** A reference as a word that a parser of hosts and paths takes. */
function word(value: unknown): string {
  if (typeof value === 'string') return value;
  const { 'Fn::Join': join, Ref: ref } = value as { 'Fn::Join'?: [string, unknown[]]; Ref?: string };
  if (join !== undefined) return join[1].map(word).join(join[0]);
  if (ref?.startsWith('SsmParameterValue')) return parameterValue(ref);
  return 'x1';
}

function parameterValue(ref: string): string {
  if (ref.includes('gatewayurl')) return 'https://mcp.tools.example.com';
  return ref.includes('tooldomain') ? 'tools.prod.internal' : 'x1';
}

/** Actions that the inline policies of a role with this start of a logical id allow, sorted: all, or those on one resource. */
export function allowedActions(template: Template, roleId: string, resourceId = ''): string[] {
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter(({ Properties }) =>
    JSON.stringify(Properties.Roles).includes(`"${roleId}`),
  );
  const statements: { Action: string | string[]; Resource: unknown }[] = policies.flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  );
  const onIt = statements.filter(({ Resource }) => JSON.stringify(Resource).includes(resourceId));
  return [...new Set(onIt.flatMap(({ Action }) => Action))].sort();
}
