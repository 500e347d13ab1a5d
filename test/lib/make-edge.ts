import type * as cdk from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { MutualTls } from '../../lib/constructs/mutual-tls.ts';
import { PublicEdge } from '../../lib/constructs/public-edge.ts';
import type { PublicEdgeProps } from '../../lib/constructs/public-edge-props.ts';
import { synthFailure, synthTemplate } from '../support/synth.ts';

export interface EdgeWorld {
  readonly stack: cdk.Stack;
  readonly vpc: ec2.IVpc;
  readonly zone: route53.IHostedZone;
  readonly certificate: acm.ICertificate;
  readonly trustBucket: s3.IBucket;
  targetGroup(id: string, port: number): elbv2.ApplicationTargetGroup;
}

type EdgeOptions = Omit<PublicEdgeProps, 'vpc' | 'domainName'> & { readonly domainName?: string };

export function edgeWorld(stack: cdk.Stack): EdgeWorld {
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

export const alone = (): EdgeOptions => ({});
const nothing = () => {};

function buildEdge(
  stack: cdk.Stack,
  options: (world: EdgeWorld) => EdgeOptions,
  use: (edge: PublicEdge, world: EdgeWorld) => void,
): void {
  const made = edgeWorld(stack);
  const given = options(made);
  const certificate = given.hostedZone === undefined ? { certificate: made.certificate } : {};
  use(new PublicEdge(stack, 'Edge', { vpc: made.vpc, domainName: 'example.com', ...certificate, ...given }), made);
}

/** A template with an edge; without routes unless `use` makes some. */
export function edge(
  options: (world: EdgeWorld) => EdgeOptions = alone,
  use: (edge: PublicEdge, world: EdgeWorld) => void = nothing,
) {
  return synthTemplate((stack) => buildEdge(stack, options, use)).template;
}

export function edgeFailure(
  options: (world: EdgeWorld) => EdgeOptions = alone,
  use: (edge: PublicEdge, world: EdgeWorld) => void = nothing,
): string {
  return synthFailure((stack) => buildEdge(stack, options, use));
}

export const withCertificates = ({ trustBucket }: EdgeWorld): EdgeOptions => ({
  mutualTls: MutualTls.fromBundle({ bucket: trustBucket, key: 'ca.pem', version: '7' }),
});

export function routed(made: PublicEdge, { targetGroup }: EdgeWorld): void {
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
export function edgeRules(template: Template): Rule[] {
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

export function edgeAttributes(template: Template): Record<string, unknown> {
  const [balancer] = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::LoadBalancer'));
  const list: { Key: string; Value: unknown }[] = balancer?.Properties.LoadBalancerAttributes;
  return Object.fromEntries(list.map(({ Key, Value }) => [Key, Value]));
}
