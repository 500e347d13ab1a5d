import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type { IPublicEdge } from './edge-routes.ts';
import type { IPlatformNetwork } from './platform-network.ts';
import type { McpServiceSizing } from './service-sizing.ts';
import type { IStateTables } from './state-tables.ts';
import type { ToolEdge } from './tool-edge.ts';

/** What each service of the platform itself needs. */
export interface PlatformServiceProps extends McpServiceSizing {
  /** Where its tasks run. */
  readonly cluster: ecs.ICluster;
  /** Subnets of its tasks and their way out. */
  readonly network: IPlatformNetwork;
  /** The public door. */
  readonly edge: IPublicEdge;
  /** The inner side, where tool servers are reached. */
  readonly toolEdge: ToolEdge;
  /** Where its state is. */
  readonly stateTables: IStateTables;
}
