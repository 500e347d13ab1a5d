import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AuditTrail, type IAuditTrail } from '../../../lib/constructs/audit-trail.ts';
import { type Statement, statementsOf, unknownActions } from '../../support/iam-actions.ts';
import { type PolicyStatement, roleOf } from '../../support/iam-policy.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

function granted(grant: (trail: AuditTrail, role: iam.Role) => iam.Grant): Template {
  return synthTemplate((stack) => {
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });
    grant(new AuditTrail(stack, 'Audit'), role).assertSuccess();
  }).template;
}

/** Actions with the last part of what they are allowed on. */
function allowedBy(template: Template): Record<string, string[]> {
  const allowed = statementsOf(template).filter(({ Effect, Principal }) => Effect === 'Allow' && !Principal);
  return Object.fromEntries(
    allowed.flatMap(({ Action, Resource }) =>
      [Action ?? []].flat().map((action) => [action, [Resource].flat().map((resource) => placeOf(resource))]),
    ),
  );
}

function placeOf(resource: unknown): string {
  const text = JSON.stringify(resource);
  const [, id = ''] = /"Fn::GetAtt":\["([A-Za-z]+?)[0-9A-F]{8}"/.exec(text) ?? [];
  const [, path = ''] = /"(\/[^"]*)"\]\]/.exec(text) ?? [];
  return `${id}${path}`;
}

test('a writer may add objects of its own name, sign, and nothing else', () => {
  assert.deepEqual(allowedBy(granted((trail, role) => trail.grants.write(role, 'gateway'))), {
    's3:PutObject': [
      'AuditRecords/calls/tenant=*/dt=*/hour=*/gateway-*.jsonl.gz',
      'AuditRecords/heads/gateway-*/*.jws',
      'AuditRecords/keys/*.json',
    ],
    'kms:GetPublicKey': ['AuditSigningKey'],
    'kms:Sign': ['AuditSigningKey'],
    'kms:GenerateDataKey': ['AuditEncryptionKey'],
  });
});

test('no key that a writer may put is one of another writer, nor leads to one when it is downloaded', () => {
  const template = granted((trail, role) => trail.grants.write(role, 'tools_a'));
  const onObjects = ({ Effect, Sid, Principal }: Statement) =>
    (Effect === 'Allow' && !Principal) || Sid === 'DenyDeepKeys';
  const role = roleOf([
    {
      Statement: statementsOf(template)
        .filter(onObjects)
        .map(({ Sid = '', Effect, Action, Resource }) => ({
          Sid,
          Effect,
          Action,
          Resource: [Resource].flat().map((resource) => placeOf(resource)),
        })) as unknown as PolicyStatement[],
    },
  ]);
  const mayPut = (key: string) =>
    role.refusal({ action: 's3:PutObject', resource: `AuditRecords/${key}`, context: {} }) === undefined;
  const hour = 'calls/tenant=acme/dt=2026-11-21/hour=10';
  const [own, foreign] = ['tools_a', 'gateway'].map((name) => `${name}-20261121t100000-0123456789ab`);
  for (const key of [`${hour}/${own}-000000000001-0123456789abcdef.jsonl.gz`, `heads/${own}/1.jws`, 'keys/k.json']) {
    assert.ok(mayPut(key), key);
  }
  for (const key of [
    `${hour}/${foreign}-000000000001-0123456789abcdef.jsonl.gz`,
    // `aws s3 sync` follows the dots.
    `${hour}/tools_a-1/../${foreign}-000000000001-0123456789abcdef.jsonl.gz`,
    `heads/tools_a-1/../${foreign}/000000000001-0123456789abcdef.jws`,
    'keys/../heads/k.json',
    // A folder where the other's object belongs: neither can be downloaded beside the other.
    `${hour}/${foreign}-000000000001-0123456789abcdef.jsonl.gz/tools_a-1.jsonl.gz`,
    `calls/tenant=acme/dt=2026-11-21/hour=10/hour=10/tools_a-1.jsonl.gz`,
  ]) {
    assert.ok(!mayPut(key), key);
  }
});

test('the key of the bucket serves a writer through S3 only', () => {
  const template = granted((trail, role) => trail.grants.write(role, 'gateway'));
  const [use] = statementsOf(template).filter(({ Action }) => Action === 'kms:GenerateDataKey');
  assert.match(JSON.stringify(use?.Condition), /"kms:ViaService":.*"s3\.",\{"Ref":"AWS::Region"\},"\.amazonaws\.com"/);
});

test('a reader may list and get, and nothing else', () => {
  const allowed = allowedBy(granted((trail, role) => trail.grants.read(role)));
  assert.deepEqual(Object.keys(allowed).sort(), [
    'kms:Decrypt',
    'kms:GetPublicKey',
    's3:GetBucketLocation',
    's3:GetBucketObjectLockConfiguration',
    's3:GetObject',
    's3:GetObjectRetention',
    's3:GetObjectVersion',
    's3:ListBucket',
    's3:ListBucketVersions',
  ]);
  assert.deepEqual(allowed['s3:GetObject'], ['AuditRecords/*']);
  assert.deepEqual(allowed['s3:ListBucket'], ['AuditRecords']);
});

test('a name that no writer can have is refused', () => {
  for (const writer of ['', 'Gateway', '*', 'a/b', 'a'.repeat(35)]) {
    assert.match(
      synthFailure((stack) => {
        const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
        new AuditTrail(stack, 'Audit').grants.write(role, writer);
      }),
      /^Stack\/Audit: the writer is ".*": give 1 to 34 lower-case letters/,
    );
  }
});

test('a record of another stack is granted alike', () => {
  const { template } = synthTemplate((stack) => {
    const trail: IAuditTrail = AuditTrail.fromAuditTrailAttributes(stack, 'Audit', {
      bucket: s3.Bucket.fromBucketName(stack, 'Bucket', 'records'),
      signingKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:123456789012:key/signing'),
    });
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
    trail.grants.write(role, 'registry').assertSuccess();
    trail.grants.read(role).assertSuccess();
  });
  const text = JSON.stringify(template.findResources('AWS::IAM::Policy'));
  assert.match(text, /:s3:::records\/heads\/registry-\*\/\*\.jws/);
  assert.doesNotMatch(text, /GenerateDataKey|Decrypt/);
});

test('every action that is granted exists', () => {
  const template = granted((trail, role) =>
    trail.grants.write(role, 'gateway').combine(trail.grants.read(role)).combine(trail.catalog.grantQuery(role)),
  );
  assert.deepEqual(unknownActions(template), []);
});
