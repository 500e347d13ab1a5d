import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PublicEdge } from '../../../lib/constructs/public-edge.ts';
import { synthFailure } from '../../support/synth.ts';
import { alone, edge, edgeAttributes, edgeFailure, edgeWorld, routed, withCertificates } from '../make-edge.ts';

test('listeners speak TLS 1.2 or newer', () => {
  const template = edge(withCertificates, routed);
  for (const Port of [443, 8443]) {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port,
      Protocol: 'HTTPS',
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09',
    });
  }
  edge(() => ({ sslPolicy: elbv2.SslPolicy.TLS13_13 }));
  for (const sslPolicy of [elbv2.SslPolicy.RECOMMENDED, elbv2.SslPolicy.TLS13_10, elbv2.SslPolicy.FIPS_TLS13_11]) {
    assert.match(
      edgeFailure(() => ({ sslPolicy })),
      /^Stack\/Edge: sslPolicy is ELBSecurityPolicy-.*older than 1\.2: give one/,
    );
  }
});

test('plain HTTP is answered with a redirect, or not at all', () => {
  edge().hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
    Port: 80,
    DefaultActions: [
      Match.objectLike({ Type: 'redirect', RedirectConfig: Match.objectLike({ Protocol: 'HTTPS', Port: '443' }) }),
    ],
  });
  const without = edge(() => ({ redirectHttp: false }));
  without.resourceCountIs('AWS::ElasticLoadBalancingV2::Listener', 1);
  without.hasResourceProperties('AWS::EC2::SecurityGroup', {
    SecurityGroupIngress: [Match.objectLike({ FromPort: 443 })],
  });
});

test('streams may be silent for a quarter of an hour, bad headers are dropped, and nobody deletes it by mistake', () => {
  const { 'idle_timeout.timeout_seconds': idle, ...rest } = edgeAttributes(edge());
  assert.equal(idle, '900');
  assert.equal(rest['routing.http.drop_invalid_header_fields.enabled'], 'true');
  assert.equal(rest['deletion_protection.enabled'], 'true');
  assert.equal(edgeAttributes(edge(() => ({ deletionProtection: false })))['deletion_protection.enabled'], 'false');
  assert.match(
    edgeFailure(() => ({ idleTimeout: '15m' as never })),
    /idleTimeout is "15m": give a Duration, e\.g\. Duration\.hours\(1\)$/,
  );
  assert.match(
    edgeFailure(() => ({ idleTimeout: cdk.Duration.seconds(4001) })),
    /idleTimeout is 4001 seconds: give a literal of whole seconds, from 1 to 4000/,
  );
});

test('nothing leaves the load balancer but to its targets', () => {
  edge(alone, routed).hasResourceProperties('AWS::EC2::SecurityGroup', {
    GroupDescription: Match.stringLikeRegexp('Public load balancer'),
    SecurityGroupEgress: [Match.objectLike({ CidrIp: '255.255.255.255/32' })],
  });
});

test('only given peers may connect', () => {
  edge(() => ({ allowedPeers: [ec2.Peer.ipv4('192.0.2.0/24')] })).hasResourceProperties('AWS::EC2::SecurityGroup', {
    SecurityGroupIngress: [
      Match.objectLike({ CidrIp: '192.0.2.0/24', FromPort: 443 }),
      Match.objectLike({ CidrIp: '192.0.2.0/24', FromPort: 80 }),
    ],
  });
});

test('it faces the Internet unless it is told not to', () => {
  edge().hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internet-facing' });
  edge(() => ({ internetFacing: false })).hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
    Scheme: 'internal',
  });
});

test('with a zone the edge makes records and a certificate for both hosts', () => {
  const template = edge(({ zone }) => ({ hostedZone: zone }));
  for (const Name of ['mcp.example.com.', 'id.example.com.']) {
    template.hasResourceProperties('AWS::Route53::RecordSet', { Name, Type: 'A', AliasTarget: Match.anyValue() });
  }
  template.hasResourceProperties('AWS::CertificateManager::Certificate', {
    DomainName: 'mcp.example.com',
    SubjectAlternativeNames: ['id.example.com'],
    ValidationMethod: 'DNS',
  });
});

test('a certificate that is given is used, with a zone or without', () => {
  const template = edge(({ zone, certificate }) => ({ hostedZone: zone, certificate }));
  template.resourceCountIs('AWS::CertificateManager::Certificate', 0);
  edge().resourceCountIs('AWS::Route53::RecordSet', 0);
});

test('what has no certificate and no zone to make one is refused', () => {
  const message = synthFailure((stack) => {
    new PublicEdge(stack, 'Edge', { vpc: edgeWorld(stack).vpc, domainName: 'example.com' });
  });
  assert.match(message, /no certificate for mcp\.example\.com and id\.example\.com: give certificate, or hostedZone/);
});

test('hosts that are none, are one, or lie outside the zone are refused', () => {
  assert.match(
    edgeFailure(() => ({ domainName: 'https://example.com' })),
    /domainName is "https:\/\/example\.com": give a host name/,
  );
  assert.match(
    edgeFailure(() => ({ authorizationHost: 'ID.example.com' })),
    /authorizationHost is "ID\.example\.com"/,
  );
  assert.match(
    edgeFailure(() => ({ authorizationHost: 'mcp.example.com' })),
    /are both mcp\.example\.com: give each a host of its own/,
  );
  assert.match(
    edgeFailure(({ zone }) => ({ hostedZone: zone, domainName: 'other.org' })),
    /mcp\.other\.org is not in the hosted zone example\.com: give the zone/,
  );
});

test('a host too long for a new certificate, and nobody to connect, are refused', () => {
  const domainName = `${'a'.repeat(58)}.example.com`;
  assert.match(
    edgeFailure(({ zone }) => ({ hostedZone: zone, domainName })),
    /has 74 characters, and a new certificate is for 64 at most: give a shorter gatewayHost, or certificate/,
  );
  edge(() => ({ domainName }));
  assert.match(
    edgeFailure(() => ({ allowedPeers: [] })),
    /^Stack\/Edge: allowedPeers is empty, so nobody could connect: name who may/,
  );
  assert.match(
    edgeFailure(() => ({ rulesMax: Number.NaN })),
    /rulesMax is NaN: give a whole number/,
  );
  assert.match(
    edgeFailure(() => ({ domainName: undefined as never })),
    /^Stack\/Edge: /,
  );
});
