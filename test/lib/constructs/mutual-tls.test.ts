import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { MutualTls } from '../../../lib/constructs/mutual-tls.ts';
import type { PublicEdge } from '../../../lib/constructs/public-edge.ts';
import { alone, type EdgeWorld, edge, edgeFailure, edgeRules, routed, withCertificates } from '../make-edge.ts';

test('clients with a certificate have a listener and a port of their own, and a certificate is verified', () => {
  const template = edge(withCertificates, routed);
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
    Port: 8443,
    MutualAuthentication: {
      Mode: 'verify',
      IgnoreClientCertificateExpiry: false,
      AdvertiseTrustStoreCaNames: 'on',
      TrustStoreArn: Match.anyValue(),
    },
  });
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TrustStore', {
    CaCertificatesBundleS3Bucket: 'trust',
    CaCertificatesBundleS3Key: 'ca.pem',
    CaCertificatesBundleS3ObjectVersion: '7',
  });
  const targets = edgeRules(template).map(({ port, target }) => [port, target]);
  assert.deepEqual(targets, [
    [443, undefined],
    [443, 'Gateway'],
    [443, 'Authorization'],
    [8443, undefined],
    [8443, 'GatewayCertificates'],
  ]);
});

// Neither the validator of aws-cdk-lib nor cfn-lint knows which modes there are.
test('no listener but the one for certificates asks for one, and every mode is one that AWS knows', () => {
  const listeners = edge(withCertificates, routed).findResources('AWS::ElasticLoadBalancingV2::Listener');
  const modes = Object.values(listeners).map(({ Properties }) => [
    Properties.Port,
    Properties.MutualAuthentication?.Mode,
  ]);
  assert.deepEqual(modes.sort(), [
    [443, undefined],
    [80, undefined],
    [8443, 'verify'],
  ]);
});

test('revoked certificates are named in lists of the trust store', () => {
  const template = edge(({ trustBucket }) => ({
    mutualTls: MutualTls.fromBundle(
      { bucket: trustBucket, key: 'ca.pem' },
      { revocationLists: [{ bucket: trustBucket, key: 'crl.pem', version: '3' }] },
    ),
  }));
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TrustStoreRevocation', {
    RevocationContents: [{ S3Bucket: 'trust', S3Key: 'crl.pem', S3ObjectVersion: '3' }],
    TrustStoreArn: Match.anyValue(),
  });
});

test('the gateway is routed with as many target groups as there are doors to it', () => {
  const bare = (made: PublicEdge, { targetGroup }: EdgeWorld) =>
    made.routeGateway({ targetGroup: targetGroup('Gateway', 8080) });
  assert.match(
    edgeFailure(withCertificates, bare),
    /has an mTLS listener, but mutualTlsTargetGroup is missing: give one/,
  );
  const both = (made: PublicEdge, { targetGroup }: EdgeWorld) =>
    made.routeGateway({ targetGroup: targetGroup('A', 8080), mutualTlsTargetGroup: targetGroup('B', 8081) });
  assert.match(edgeFailure(alone, both), /mutualTlsTargetGroup is given, but the edge has no mTLS listener/);
  assert.match(
    edgeFailure(alone, (made, it) => [routed(made, it), routed(made, it)]),
    /./,
  );
});

test('a port for certificates that is another listener’s is refused', () => {
  const of = (port: number) =>
    edgeFailure(({ trustBucket }) => ({
      mutualTls: MutualTls.fromBundle({ bucket: trustBucket, key: 'k' }, { port }),
    }));
  for (const port of [80, 443, 0, 65_536])
    assert.match(of(port), new RegExp(`the port of mutualTls is ${port}: give one`));
});
