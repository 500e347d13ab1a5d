import * as cdk from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as cloudmap from 'aws-cdk-lib/aws-servicediscovery';
import type { Construct } from 'constructs';
import type { ToolEdgeAttributes } from './tool-edge.ts';
import { ToolEdgeBase } from './tool-edge-base.ts';
import type { ToolRouting } from './tool-routing.ts';

/** A tool edge that another stack or app made. */
export class ImportedToolEdge extends ToolEdgeBase {
  readonly platformName: string;
  readonly domainName: string;
  readonly routing: ToolRouting;
  readonly members: ec2.ISecurityGroup;
  protected readonly callersSecurityGroupId: string;
  protected readonly listenerArn: string;
  protected readonly loadBalancerSecurityGroupId: string;
  readonly namespace: cloudmap.IPrivateDnsNamespace | undefined;
  protected readonly rulesMax: number;

  constructor(scope: Construct, id: string, attributes: ToolEdgeAttributes) {
    super(scope, id);
    this.platformName = attributes.platformName;
    this.domainName = attributes.domainName;
    this.routing = attributes.routing;
    this.callersSecurityGroupId = attributes.callersSecurityGroupId ?? '';
    this.members = ec2.SecurityGroup.fromSecurityGroupId(this, 'Members', attributes.membersSecurityGroupId, {
      mutable: false,
    });
    this.listenerArn = attributes.listenerArn ?? '';
    this.loadBalancerSecurityGroupId = attributes.loadBalancerSecurityGroupId ?? '';
    this.rulesMax = attributes.rulesMax ?? 100;
    this.namespace = this.routing.isLoadBalanced
      ? undefined
      : cloudmap.PrivateDnsNamespace.fromPrivateDnsNamespaceAttributes(this, 'Namespace', {
          namespaceName: this.domainName,
          namespaceId: attributes.namespaceId ?? '',
          namespaceArn: cdk.Stack.of(this).formatArn({
            service: 'servicediscovery',
            resource: 'namespace',
            resourceName: attributes.namespaceId,
          }),
        });
  }
}
