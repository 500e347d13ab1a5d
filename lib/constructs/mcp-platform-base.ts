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
  /** Where its tasks run. */
  readonly cluster: ecs.ICluster;
  /** Subnets of its tasks and their way out. */
  readonly network: IPlatformNetwork;
  /** The inner side, where tool servers are reached. */
  readonly toolEdge: IToolEdge;
  /** Where it records. */
  readonly audit: IAuditTrail;
  /** What the platform is like where nothing else is said. */
  readonly profile: PlatformProfile;
}
