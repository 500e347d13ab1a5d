import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type { IConstruct } from 'constructs';
import type { IAuditTrail } from './audit-trail.ts';
import type { IPlatformNetwork } from './platform-network.ts';
import type { PlatformProfile } from './platform-profile.ts';
import type { IToolEdge } from './tool-edge-base.ts';

/** A platform as tool servers need it: the one of this app, or one that another app deployed. */
export interface IMcpPlatform extends IConstruct {
  /** One of a kind in its account and region. */
  readonly platformName: string;
  /** Origin of the gateway, which issues the tokens that tool servers take. */
  readonly gatewayUrl: string;
  /** SPIFFE trust domain of the platform's services. */
  readonly trustDomain: string;
  readonly cluster: ecs.ICluster;
  readonly network: IPlatformNetwork;
  readonly toolEdge: IToolEdge;
  readonly audit: IAuditTrail;
  readonly profile: PlatformProfile;
}
