import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { JwtClaimFormat, JwtValidation } from '../../../lib/constructs/jwt-validation.ts';
import { MutualTls } from '../../../lib/constructs/mutual-tls.ts';
import { PublicEdge } from '../../../lib/constructs/public-edge.ts';
import type { PublicEdgeProps } from '../../../lib/constructs/public-edge-props.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

interface World {
  readonly stack: cdk.Stack;
  readonly vpc: ec2.IVpc;
  readonly zone: route53.IHostedZone;
  readonly certificate: acm.ICertificate;
  readonly trustBucket: s3.IBucket;
  targetGroup(id: string, port: number): elbv2.ApplicationTargetGroup;
}

type EdgeOptions = Omit<PublicEdgeProps, 'vpc' | 'domainName'> & { readonly domainName?: string };

function world(stack: cdk.Stack): World {
  const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 0 });
  return {
    stack,
    vpc,
    zone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
    certificate: acm.Certificate.fromCertificateArn(stack, 'Given', 'arn:aws:acm:us-east-1:111122223333:certificate/1'),
    trustBucket: s3.Bucket.fromBucketName(stack, 'TrustBucket', 'trust'),
    targetGroup: (id, port) =>
      new elbv2.ApplicationTargetGroup(stack, id, {
        vpc,
        port,
        protocol: elbv2.ApplicationProtocol.HTTP,
        targetType: elbv2.TargetType.IP,
      }),
  };
}

const alone = (): EdgeOptions => ({});
const nothing = () => {};

function build(
  stack: cdk.Stack,
  options: (world: World) => EdgeOptions,
  use: (edge: PublicEdge, world: World) => void,
): void {
  const made = world(stack);
  const given = options(made);
  const certificate = given.hostedZone === undefined ? { certificate: made.certificate } : {};
  use(new PublicEdge(stack, 'Edge', { vpc: made.vpc, domainName: 'example.com', ...certificate, ...given }), made);
}

/** A template with an edge; without routes unless `use` makes some. */
function edge(options: (world: World) => EdgeOptions = alone, use: (edge: PublicEdge, world: World) => void = nothing) {
  return synthTemplate((stack) => build(stack, options, use)).template;
}

function failure(
  options: (world: World) => EdgeOptions = alone,
  use: (edge: PublicEdge, world: World) => void = nothing,
): string {
  return synthFailure((stack) => build(stack, options, use));
}

const withCertificates = ({ trustBucket }: World): EdgeOptions => ({
  mutualTls: MutualTls.fromBundle({ bucket: trustBucket, key: 'ca.pem', version: '7' }),
});

function routed(made: PublicEdge, { targetGroup }: World): void {
  made.routeGateway({
    targetGroup: targetGroup('Gateway', 8080),
    ...(made.mutualTlsHost !== undefined && { mutualTlsTargetGroup: targetGroup('GatewayCertificates', 8081) }),
  });
  made.routeAuthorization(targetGroup('Authorization', 8080));
}

interface Rule {
  readonly priority: number;
  readonly port: number;
  readonly hosts?: readonly string[];
  readonly paths?: readonly string[];
  readonly header?: { readonly HttpHeaderName: string; readonly Values: readonly string[] };
  readonly actions: readonly string[];
  readonly target?: string;
}

/** The rules in the order in which the load balancer asks them. */
function rules(template: Template): Rule[] {
  const listeners = template.findResources('AWS::ElasticLoadBalancingV2::Listener');
  const found = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
  return found
    .map(({ Properties: { Actions, Conditions, ListenerArn, Priority } }): Rule => {
      const condition = (field: string) => Conditions.find((each: { Field: string }) => each.Field === field);
      const target = Actions.at(-1).TargetGroupArn?.Ref?.replace(/[0-9A-F]{8}$/, '');
      const hosts = condition('host-header')?.HostHeaderConfig.Values;
      const paths = condition('path-pattern')?.PathPatternConfig.Values;
      const header = condition('http-header')?.HttpHeaderConfig;
      return {
        priority: Priority,
        port: listeners[ListenerArn.Ref]?.Properties.Port,
        ...(hosts && { hosts }),
        ...(paths && { paths }),
        ...(header && { header }),
        actions: Actions.map(({ Type }: { Type: string }) => Type),
        ...(target && { target }),
      };
    })
    .sort((a, b) => a.port - b.port || a.priority - b.priority);
}

function attributes(template: Template): Record<string, unknown> {
  const [balancer] = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::LoadBalancer'));
  const list: { Key: string; Value: unknown }[] = balancer?.Properties.LoadBalancerAttributes;
  return Object.fromEntries(list.map(({ Key, Value }) => [Key, Value]));
}

test('the gateway and the authorization server are told apart by host, and operation is closed to both', () => {
  assert.deepEqual(rules(edge(alone, routed)), [
    { priority: 10, port: 443, paths: ['/metrics', '/readyz'], actions: ['fixed-response'] },
    { priority: 41_000, port: 443, hosts: ['mcp.example.com'], actions: ['forward'], target: 'Gateway' },
    { priority: 42_000, port: 443, hosts: ['id.example.com'], actions: ['forward'], target: 'Authorization' },
  ]);
});

test('a host that nobody routed is answered by the load balancer itself', () => {
  edge().hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
    Port: 443,
    DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: Match.objectLike({ StatusCode: '404' }) }],
  });
});

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
      failure(() => ({ sslPolicy })),
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
  const { 'idle_timeout.timeout_seconds': idle, ...rest } = attributes(edge());
  assert.equal(idle, '900');
  assert.equal(rest['routing.http.drop_invalid_header_fields.enabled'], 'true');
  assert.equal(rest['deletion_protection.enabled'], 'true');
  assert.equal(attributes(edge(() => ({ deletionProtection: false })))['deletion_protection.enabled'], 'false');
  assert.match(
    failure(() => ({ idleTimeout: cdk.Duration.seconds(4001) })),
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
    new PublicEdge(stack, 'Edge', { vpc: world(stack).vpc, domainName: 'example.com' });
  });
  assert.match(message, /no certificate for mcp\.example\.com and id\.example\.com: give certificate, or hostedZone/);
});

test('hosts that are none, are one, or lie outside the zone are refused', () => {
  assert.match(
    failure(() => ({ domainName: 'https://example.com' })),
    /domainName is "https:\/\/example\.com": give a host name/,
  );
  assert.match(
    failure(() => ({ authorizationHost: 'ID.example.com' })),
    /authorizationHost is "ID\.example\.com"/,
  );
  assert.match(
    failure(() => ({ authorizationHost: 'mcp.example.com' })),
    /are both mcp\.example\.com: give each a host of its own/,
  );
  assert.match(
    failure(({ zone }) => ({ hostedZone: zone, domainName: 'other.org' })),
    /mcp\.other\.org is not in the hosted zone example\.com: give the zone/,
  );
});

test('a host too long for a new certificate, and nobody to connect, are refused', () => {
  const domainName = `${'a'.repeat(58)}.example.com`;
  assert.match(
    failure(({ zone }) => ({ hostedZone: zone, domainName })),
    /has 74 characters, and a new certificate is for 64 at most: give a shorter gatewayHost, or certificate/,
  );
  edge(() => ({ domainName }));
  assert.match(
    failure(() => ({ allowedPeers: [] })),
    /^Stack\/Edge: allowedPeers is empty, so nobody could connect: name who may/,
  );
  assert.match(
    failure(() => ({ rulesMax: Number.NaN })),
    /rulesMax is NaN: give a whole number/,
  );
  assert.match(
    failure(() => ({ domainName: undefined as never })),
    /^Stack\/Edge: /,
  );
});

test('bearer tokens of an issuer are verified before they reach the gateway, discovery and calls without one are not', () => {
  const template = edge(() => ({ jwtValidation: JwtValidation.ofAuthorizationServer() }), routed);
  assert.deepEqual(
    rules(template).map(({ paths, hosts, header, actions }) => ({ paths, hosts, header, actions })),
    [
      { paths: ['/metrics', '/readyz'], hosts: undefined, header: undefined, actions: ['fixed-response'] },
      {
        paths: ['/.well-known/*', '/healthz', '/servers/*/mcp/server-card'],
        hosts: ['mcp.example.com'],
        header: undefined,
        actions: ['forward'],
      },
      {
        paths: undefined,
        hosts: ['mcp.example.com'],
        header: { HttpHeaderName: 'Authorization', Values: ['Bearer *'] },
        actions: ['jwt-validation', 'forward'],
      },
      { paths: undefined, hosts: ['mcp.example.com'], header: undefined, actions: ['forward'] },
      { paths: undefined, hosts: ['id.example.com'], header: undefined, actions: ['forward'] },
    ],
  );
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
    Actions: [
      {
        Type: 'jwt-validation',
        Order: 1,
        JwtValidationConfig: { Issuer: 'https://id.example.com', JwksEndpoint: 'https://id.example.com/jwks' },
      },
      Match.objectLike({ Type: 'forward', Order: 2 }),
    ],
  });
});

test('the load balancer may fetch the keys of the issuer', () => {
  edge(() => ({ jwtValidation: JwtValidation.ofAuthorizationServer() })).hasResourceProperties(
    'AWS::EC2::SecurityGroup',
    {
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 })],
    },
  );
});

test('claims that every token must have are asked for in the form that they have', () => {
  const jwtValidation = JwtValidation.ofIssuer({
    issuer: 'https://issuer.example.org',
    jwksUri: 'https://issuer.example.org/keys',
    claims: [
      { name: 'tenant', values: ['acme'] },
      { name: 'scope', values: ['billing:read'], format: JwtClaimFormat.SPACE_SEPARATED },
    ],
  });
  edge(() => ({ jwtValidation }), routed).hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
    Actions: Match.arrayWith([
      Match.objectLike({
        JwtValidationConfig: {
          Issuer: 'https://issuer.example.org',
          JwksEndpoint: 'https://issuer.example.org/keys',
          AdditionalClaims: [
            { Format: 'single-string', Name: 'tenant', Values: ['acme'] },
            { Format: 'space-separated-values', Name: 'scope', Values: ['billing:read'] },
          ],
        },
      }),
    ]),
  });
});

test('an issuer that a load balancer cannot work with is refused', () => {
  const issuer = 'https://issuer.example.org';
  const of = (settings: object) => () => ({
    jwtValidation: JwtValidation.ofIssuer({ issuer, jwksUri: issuer, ...settings }),
  });
  const claim = { name: 'tenant', values: ['acme'] };
  assert.match(
    failure(of({ jwksUri: 'http://issuer.example.org' })),
    /jwtValidation\.jwksUri is "http:.*give an https URL/,
  );
  assert.match(failure(of({ claims: Array(11).fill(claim) })), /has 11 claims: a load balancer checks at most 10/);
  assert.match(failure(of({ claims: [{ ...claim, values: [] }] })), /0 values for the claim tenant: give 1 to 10/);
});

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
  const targets = rules(template).map(({ port, target }) => [port, target]);
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
  const bare = (made: PublicEdge, { targetGroup }: World) =>
    made.routeGateway({ targetGroup: targetGroup('Gateway', 8080) });
  assert.match(failure(withCertificates, bare), /has an mTLS listener, but mutualTlsTargetGroup is missing: give one/);
  const both = (made: PublicEdge, { targetGroup }: World) =>
    made.routeGateway({ targetGroup: targetGroup('A', 8080), mutualTlsTargetGroup: targetGroup('B', 8081) });
  assert.match(failure(alone, both), /mutualTlsTargetGroup is given, but the edge has no mTLS listener/);
  assert.match(
    failure(alone, (made, it) => [routed(made, it), routed(made, it)]),
    /./,
  );
});

test('a port for certificates that is another listener’s is refused', () => {
  const of = (port: number) =>
    failure(({ trustBucket }) => ({ mutualTls: MutualTls.fromBundle({ bucket: trustBucket, key: 'k' }, { port }) }));
  for (const port of [80, 443, 0, 65_536])
    assert.match(of(port), new RegExp(`the port of mutualTls is ${port}: give one`));
});

test('another service takes paths before the gateway and the check of tokens', () => {
  const template = edge(
    () => ({ jwtValidation: JwtValidation.ofAuthorizationServer() }),
    (made, it) => {
      routed(made, it);
      made.routePaths('Registry', { paths: ['/registry/*', '/api/*'], targetGroup: it.targetGroup('Registry', 8080) });
    },
  );
  const order = rules(template).map(({ target, actions }) => target ?? actions[0]);
  assert.deepEqual(order, ['fixed-response', 'Gateway', 'Registry', 'Gateway', 'Gateway', 'Authorization']);
});

test('a route that does not fit into a rule is refused', () => {
  const of = (...paths: string[]) =>
    failure(alone, (made, it) => made.routePaths('R', { paths, targetGroup: it.targetGroup('T', 1) }));
  assert.match(of(), /route R has 0 paths: give 1 to 4/);
  assert.match(of('/a', '/b', '/c', '/d', '/e'), /route R has 5 paths: give 1 to 4, or add a second route/);
  assert.match(of('/*/*/*/*/*/*'), /route R has 6 wildcards: a rule has at most 5/);
  assert.match(of('a'), /path "a": give one that begins with \//);
  const twice = failure(alone, (made, it) => {
    for (const id of ['A', 'B']) made.routePaths(id, { paths: ['/api/*'], targetGroup: it.targetGroup(`T${id}`, 1) });
  });
  assert.match(twice, /path \/api\/\* of mcp\.example\.com is routed twice/);
});

test('access and connections are logged into a bucket of its own, in any region', () => {
  const template = edge();
  const attribute = attributes(template);
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
  assert.equal(attributes(off)['access_logs.s3.enabled'], undefined);
  const encrypted = failure(({ stack }) => ({
    accessLogBucket: new s3.Bucket(stack, 'Sealed', { encryptionKey: new kms.Key(stack, 'Key') }),
  }));
  assert.match(
    encrypted,
    /Stack\/Sealed is encrypted with a KMS key, which load balancers cannot use: give one with S3_MANAGED/,
  );
});

test('WAF stands in front, and counts what MCP and OAuth clients do anyway', () => {
  const template = edge();
  template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 1);
  const [acl] = Object.values(template.findResources('AWS::WAFv2::WebACL'));
  assert.ok(acl);
  const [perAddress, reputation, badInputs, common] = acl.Properties.Rules;
  assert.deepEqual(perAddress.Statement.RateBasedStatement, {
    AggregateKeyType: 'IP',
    EvaluationWindowSec: 300,
    Limit: 10_000,
  });
  const group = (rule: { Statement: { ManagedRuleGroupStatement: { Name: string } } }) =>
    rule.Statement.ManagedRuleGroupStatement.Name;
  assert.deepEqual([reputation, badInputs, common].map(group), [
    'AWSManagedRulesAmazonIpReputationList',
    'AWSManagedRulesKnownBadInputsRuleSet',
    'AWSManagedRulesCommonRuleSet',
  ]);
  const counted = common.Statement.ManagedRuleGroupStatement.RuleActionOverrides.map(
    ({ Name, ActionToUse }: Record<string, unknown>) => {
      assert.deepEqual(ActionToUse, { Count: {} });
      return Name;
    },
  );
  assert.ok(counted.includes('SizeRestrictions_BODY'));
  assert.ok(counted.includes('GenericRFI_QUERYARGUMENTS'));
});

test('WAF keeps no samples of requests, whose headers hold tokens', () => {
  const json = JSON.stringify(edge().findResources('AWS::WAFv2::WebACL'));
  assert.doesNotMatch(json, /"SampledRequestsEnabled":true/);
});

test('the limit of an address is yours to set, within what WAF takes, and WAF can be left away', () => {
  edge(() => ({ requestsPerAddress: 500 })).hasResourceProperties('AWS::WAFv2::WebACL', {
    Rules: Match.arrayWith([Match.objectLike({ Statement: { RateBasedStatement: Match.objectLike({ Limit: 500 }) } })]),
  });
  assert.match(
    failure(() => ({ requestsPerAddress: 5 })),
    /requestsPerAddress is 5: give a whole number from 10/,
  );
  edge(() => ({ firewall: false })).resourceCountIs('AWS::WAFv2::WebACL', 0);
});

test('more than a load balancer holds is counted at synth', () => {
  const crowded = (count: number) => (made: PublicEdge, it: World) => {
    routed(made, it);
    const targetGroup = it.targetGroup('Many', 8080);
    for (let index = 0; index < count; index += 1) made.routePaths(`R${index}`, { paths: [`/p${index}`], targetGroup });
  };
  edge(alone, crowded(97));
  assert.match(
    failure(alone, crowded(98)),
    /101 rules, and a load balancer has at most 100: ask AWS for more and say so in rulesMax/,
  );
  edge(() => ({ rulesMax: 101 }), crowded(98));
});

test('certificates, target groups and condition values are counted too', () => {
  const certificates = failure(({ stack }) => ({
    additionalCertificates: Array.from({ length: 26 }, (_, index) =>
      acm.Certificate.fromCertificateArn(stack, `C${index}`, `arn:aws:acm:us-east-1:111122223333:certificate/${index}`),
    ),
  }));
  assert.match(
    certificates,
    /26 certificates beside the default ones, and a load balancer has at most 25: use one certificate/,
  );
  const groups = failure(
    () => ({ rulesMax: 500 }),
    (made, it) => {
      for (let index = 0; index <= 100; index += 1) {
        made.routePaths(`R${index}`, { paths: [`/p${index}`], targetGroup: it.targetGroup(`T${index}`, 8080) });
      }
    },
  );
  assert.match(groups, /101 target groups, and a load balancer has at most 100: this quota is fixed/);
  const values = failure(alone, (made, it) => {
    new elbv2.CfnListenerRule(it.stack, 'Wide', {
      listenerArn: made.listener.listenerArn,
      priority: 500,
      conditions: [{ field: 'path-pattern', pathPatternConfig: { values: ['/a', '/b', '/c', '/d', '/e', '/f'] } }],
      actions: [{ type: 'fixed-response', fixedResponseConfig: { statusCode: '404' } }],
    });
  });
  assert.match(values, /6 condition values in the rule Stack\/Wide, and a load balancer has at most 5: split it/);
});
