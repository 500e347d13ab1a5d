import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AuditRetention } from '../../../lib/constructs/audit-retention.ts';
import { AuditTrail, type AuditTrailProps } from '../../../lib/constructs/audit-trail.ts';
import { type Statement, unknownActions } from '../../support/iam-actions.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

const synthTrail = (props: AuditTrailProps = {}) =>
  synthTemplate((stack) => void new AuditTrail(stack, 'Audit', props));

test('records are locked, versioned, encrypted with a key of their own, and closed to the public', () => {
  const { template } = synthTrail();
  template.hasResourceProperties('AWS::S3::Bucket', {
    ObjectLockEnabled: true,
    ObjectLockConfiguration: {
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Days: 365, Mode: 'GOVERNANCE' } },
    },
    VersioningConfiguration: { Status: 'Enabled' },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled: true,
          ServerSideEncryptionByDefault: {
            SSEAlgorithm: 'aws:kms',
            KMSMasterKeyID: { 'Fn::GetAtt': [Match.stringLikeRegexp('^AuditEncryptionKey'), 'Arn'] },
          },
        },
      ],
    },
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
  });
  template.allResourcesProperties('AWS::S3::Bucket', {
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
  });
});

test('the logical ids of the bucket and its keys are these: a changed one is a new, empty record', () => {
  const { template } = synthTrail();
  const ids = (type: string) => Object.keys(template.findResources(type));
  assert.deepEqual(ids('AWS::S3::Bucket'), [
    'AuditAccessLogs9A4BEAE3',
    'AuditRecords096AC1ED',
    'AuditCatalogResults37AE0134',
  ]);
  assert.deepEqual(ids('AWS::KMS::Key'), ['AuditEncryptionKey21DF94F3', 'AuditSigningKey58F79527']);
});

test('bucket, its policy and the keys outlive the stack', () => {
  const { template } = synthTrail();
  for (const type of ['AWS::S3::Bucket', 'AWS::KMS::Key']) {
    template.allResources(type, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  }
  template.hasResource('AWS::S3::BucketPolicy', {
    DeletionPolicy: 'Retain',
    Properties: { Bucket: { Ref: Match.stringLikeRegexp('^AuditRecords') } },
  });
});

test('checkpoints are signed by a key on P-256 that stays in KMS', () => {
  const { template } = synthTrail();
  template.hasResourceProperties('AWS::KMS::Key', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
});

test('retention in compliance mode is a choice that warns until it is acknowledged', () => {
  const retention = AuditRetention.compliance(cdk.Duration.days(2555));
  const { template, annotations } = synthTrail({ retention });
  template.hasResourceProperties('AWS::S3::Bucket', {
    ObjectLockConfiguration: { Rule: { DefaultRetention: { Days: 2555, Mode: 'COMPLIANCE' } } },
  });
  annotations.hasWarning('/Stack/Audit', Match.stringLikeRegexp('locked for 2555 days in compliance mode'));
  assert.deepEqual(synthTrail().annotations.findWarning('*', Match.anyValue()), []);
  const acknowledged = synthTemplate((stack) => {
    cdk.Validations.of(new AuditTrail(stack, 'Audit', { retention })).acknowledge({
      id: 'toolgate:compliance-retention',
      reason: 'Seven years are the law.',
    });
  });
  assert.deepEqual(acknowledged.annotations.findWarning('*', Match.anyValue()), []);
});

test('a retention that is no whole number of days from 1 to 36500 is refused', () => {
  for (const [duration, given] of [
    [cdk.Duration.hours(12), '12 hours'],
    [cdk.Duration.hours(36), '1 day 12 hours'],
    [cdk.Duration.days(0), '0 days'],
    [cdk.Duration.days(36_501), '36501 days'],
    [cdk.Duration.days(cdk.Token.asNumber({ Ref: 'Days' })), 'a token'],
    [undefined as never, 'undefined'],
  ] as const) {
    assert.throws(() => AuditRetention.governance(duration), {
      message: `AuditRetention.governance is given ${given}: S3 Object Lock keeps records for whole days, from 1 to 36500, e.g. Duration.days(365)`,
    });
  }
  assert.equal(AuditRetention.compliance(cdk.Duration.hours(48)).days, 2);
});

test('records expire after their retention, never within it', () => {
  const { template } = synthTrail({ expireAfter: cdk.Duration.days(400) });
  template.hasResourceProperties('AWS::S3::Bucket', {
    LifecycleConfiguration: {
      Rules: [
        Match.objectLike({ ExpirationInDays: 400, NoncurrentVersionExpiration: { NoncurrentDays: 1 } }),
        Match.objectLike({ ExpiredObjectDeleteMarker: true }),
      ],
    },
  });
  assert.equal(
    synthFailure((stack) => void new AuditTrail(stack, 'Audit', { expireAfter: cdk.Duration.days(364) })),
    'Stack/Audit: expireAfter is 364 days: give whole days, and at least the 365 days of retention, or leave it out',
  );
});

test('the bucket denies everybody what would change, hide or counterfeit a record', () => {
  const denials = denialsOf(synthTrail().template);
  assert.deepEqual(
    denials.map(({ Sid }) => Sid),
    [
      undefined,
      undefined,
      'DenyErasure',
      'DenyOtherRetention',
      'DenyOverwriting',
      'DenyUnhashedPayload',
      'DenyOtherEncryption',
      'DenyOtherKey',
      'DenyKeysOfCallers',
      'DenyDeepKeys',
      'DenyWritingElsewhere',
    ],
  );
  for (const { Principal } of denials) assert.deepEqual(Principal, { AWS: '*' });
  const [overTls, modernTls, erasure, retention, overwriting] = denials;
  assert.deepEqual(overTls?.Condition, { Bool: { 'aws:SecureTransport': 'false' } });
  assert.deepEqual(modernTls?.Condition, { NumericLessThan: { 's3:TlsVersion': 1.2 } });
  assert.deepEqual(erasure?.Action, ['s3:DeleteObject', 's3:DeleteObjectVersion']);
  assert.deepEqual(retention?.Action, ['s3:BypassGovernanceRetention', 's3:PutObjectRetention']);
  assert.equal(erasure?.Condition, undefined);
  assert.equal(retention?.Condition, undefined);
  // Holds also when the header is not there at all: the operator is negated.
  assert.deepEqual(overwriting?.Condition, { StringNotEquals: { 's3:if-none-match': '*' } });
});

test('nothing is written beside calls, heads and keys', () => {
  const elsewhere = denialsOf(synthTrail().template).at(-1);
  assert.equal(elsewhere?.Action, 's3:PutObject');
  assert.deepEqual(JSON.stringify(elsewhere?.NotResource).match(/\/[a-z]+\/\*/g), ['/calls/*', '/heads/*', '/keys/*']);
});

test('every use of the bucket is logged, into a bucket that S3 can deliver to', () => {
  const { template } = synthTrail();
  template.hasResourceProperties('AWS::S3::Bucket', {
    ObjectLockEnabled: true,
    LoggingConfiguration: {
      DestinationBucketName: { Ref: Match.stringLikeRegexp('^AuditAccessLogs') },
      LogFilePrefix: 'records/',
    },
  });
  const logs = Object.entries(template.findResources('AWS::S3::Bucket')).find(([id]) =>
    id.startsWith('AuditAccessLogs'),
  )?.[1].Properties;
  assert.equal(logs.ObjectLockEnabled, undefined);
  assert.equal(logs.AccessControl, undefined);
  assert.deepEqual(logs.BucketEncryption.ServerSideEncryptionConfiguration, [
    { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
  ]);
  template.hasResourceProperties('AWS::S3::BucketPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Effect: 'Allow', Principal: { Service: 'logging.s3.amazonaws.com' } }),
      ]),
    },
  });
});

test('access logs go where the platform team keeps them', () => {
  const { template } = synthTemplate((stack) => {
    const accessLogsBucket = s3.Bucket.fromBucketName(stack, 'Theirs', 'log-archive');
    new AuditTrail(stack, 'Audit', { accessLogsBucket });
  });
  template.hasResourceProperties('AWS::S3::Bucket', {
    ObjectLockEnabled: true,
    LoggingConfiguration: { DestinationBucketName: 'log-archive' },
  });
});

test('the feature flags of an app change nothing', () => {
  const flag = '@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy';
  const templates = [true, false].map(
    (value) =>
      synthTemplate((stack) => void new AuditTrail(stack, 'Audit'), { context: { [flag]: value } }).template.toJSON()
        .Resources,
  );
  assert.deepEqual(templates[0], templates[1]);
});

test('keys of the platform team take the place of its own', () => {
  const { template } = synthTemplate((stack) => {
    const [encryptionKey, signingKey] = ['Encryption', 'Signing'].map((id) => new kms.Key(stack, id));
    const trail = new AuditTrail(stack, 'Audit', {
      encryptionKey: encryptionKey as kms.Key,
      signingKey: signingKey as kms.Key,
    });
    assert.equal(trail.encryptionKey, encryptionKey);
    assert.equal(trail.signingKey, signingKey);
  });
  assert.equal(Object.keys(template.findResources('AWS::KMS::Key')).length, 2);
});

test('every action that its policies name exists', () => {
  assert.deepEqual(unknownActions(synthTrail().template), []);
});

/** What the policy of the locked bucket denies. */
function denialsOf(template: Template): Statement[] {
  const policies = Object.values(template.findResources('AWS::S3::BucketPolicy'));
  const own = policies.find(({ Properties }) => /^AuditRecords/.test(Properties.Bucket.Ref));
  return ((own?.Properties.PolicyDocument.Statement ?? []) as Statement[]).filter(({ Effect }) => Effect === 'Deny');
}
