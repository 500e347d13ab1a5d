import * as cdk from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import { AuditRetention } from './audit-retention.ts';
import { Egress } from './egress.ts';
import type { McpServiceSizing } from './service-sizing.ts';
import { ToolRouting } from './tool-routing.ts';

/**
 * What a platform is like where nothing else is said; every part of it can be said otherwise at `McpPlatform`. Tenants name the same one
 * in `McpPlatform.fromPlatformName`, because routing and addresses of tasks are decided when a stack is synthesised; a platform that says
 * `egress` or `toolRouting` otherwise is named by `withEgress` or `withToolRouting`.
 */
export class PlatformProfile {
  /** Two tasks of each service in private subnets, scaled; state is kept when the stack goes; records for a year. */
  static production(): PlatformProfile {
    return new PlatformProfile({
      name: 'production',
      egress: Egress.nat(),
      routing: ToolRouting.loadBalancer(),
      sizing: { desiredCount: 2, logRetention: logs.RetentionDays.THREE_MONTHS },
      auditRetention: AuditRetention.governance(cdk.Duration.days(365)),
      isKept: true,
      hasFirewall: true,
      hasAlarms: true,
    });
  }

  /**
   * The cheapest platform that works: one task of each service on spare capacity with a public address, no WAF, no alarms, no second load
   * balancer, records for a day. Tables, pool and secrets go with the stack; the record stays, and its keys, which it cannot be read without.
   */
  static dev(): PlatformProfile {
    return new PlatformProfile({
      name: 'dev',
      egress: Egress.publicSubnets(),
      routing: ToolRouting.discovery(),
      sizing: { desiredCount: 1, maxCount: 1, spot: true, logRetention: logs.RetentionDays.ONE_WEEK },
      auditRetention: AuditRetention.governance(cdk.Duration.days(1)),
      isKept: false,
      hasFirewall: false,
      hasAlarms: false,
    });
  }

  /** `production` or `dev`. */
  readonly name: string;
  /** How tasks reach AWS and the Internet. */
  readonly egress: Egress;
  /** How the gateway reaches tool servers. */
  readonly routing: ToolRouting;
  /** Of every service, tool servers included. */
  readonly sizing: McpServiceSizing;
  /** How long records are kept. */
  readonly auditRetention: AuditRetention;
  /** Whether state outlives its stack, and is protected against deletion. */
  readonly isKept: boolean;
  /** Whether AWS WAF stands in front. */
  readonly hasFirewall: boolean;
  /** Whether there are alarms and a dashboard. */
  readonly hasAlarms: boolean;

  private constructor(parts: ProfileParts) {
    this.name = parts.name;
    this.egress = parts.egress;
    this.routing = parts.routing;
    this.sizing = parts.sizing;
    this.auditRetention = parts.auditRetention;
    this.isKept = parts.isKept;
    this.hasFirewall = parts.hasFirewall;
    this.hasAlarms = parts.hasAlarms;
  }
  /** The same with another way out for tasks. */
  withEgress(egress: Egress): PlatformProfile {
    return new PlatformProfile({ ...this, egress });
  }

  /** The same with another way to tool servers. */
  withToolRouting(routing: ToolRouting): PlatformProfile {
    return new PlatformProfile({ ...this, routing });
  }
}

interface ProfileParts {
  readonly name: string;
  readonly egress: Egress;
  readonly routing: ToolRouting;
  readonly sizing: McpServiceSizing;
  readonly auditRetention: AuditRetention;
  readonly isKept: boolean;
  readonly hasFirewall: boolean;
  readonly hasAlarms: boolean;
}
