import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { edge, edgeAttributes, edgeFailure } from '../make-edge.ts';

test('access and connections are logged into a bucket of its own, in any region', () => {
  const template = edge();
  const attribute = edgeAttributes(template);
  assert.equal(attribute['access_logs.s3.enabled'], 'true');
  assert.equal(attribute['connection_logs.s3.enabled'], 'true');
  template.hasResourceProperties('AWS::S3::BucketPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Effect: 'Allow',
          Action: 's3:PutObject',
          Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
        }),
      ]),
    },
  });
  const [balancer] = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::LoadBalancer'));
  assert.ok(balancer?.DependsOn.some((id: string) => /BucketPolicy/.test(id)));
  template.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Retain' });
});

test('logs can be turned off, or go to a bucket that a load balancer can write to', () => {
  const off = edge(() => ({ accessLogs: false }));
  off.resourceCountIs('AWS::S3::Bucket', 0);
  assert.equal(edgeAttributes(off)['access_logs.s3.enabled'], undefined);
  const encrypted = edgeFailure(({ stack }) => ({
    accessLogBucket: new s3.Bucket(stack, 'Sealed', { encryptionKey: new kms.Key(stack, 'Key') }),
  }));
  assert.match(
    encrypted,
    /Stack\/Sealed is encrypted with a KMS key, which load balancers cannot use: give one with S3_MANAGED/,
  );
});
