import * as cdk from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { createAlarmTopic } from './alarm-topic.ts';
import { LogMetrics } from './log-metrics.ts';
import type { McpService } from './mcp-service.ts';
import { PlatformDashboard } from './platform-dashboard.ts';
import { PlatformMetrics } from './platform-metrics.ts';
import { checkPlatformName } from './platform-name.ts';
import type { IStateTables } from './state-tables.ts';
import { synthError } from './synth-error.ts';
import { TaskStops } from './task-stops.ts';

/** What is watched, and what is too much. */
export interface AlarmsProps {
  /** Metrics are called after it. */
  readonly platformName: string;
  /** What clients connect to. */
  readonly loadBalancer: elbv2.IApplicationLoadBalancer;
  /** The door. */
  readonly gateway: McpService;
  /** The authorization server. */
  readonly authorization: McpService;
  /** What keeps the catalogue. */
  readonly registry: McpService;
  /** Where state is. */
  readonly stateTables: IStateTables;
  /**
   * Certificates of the load balancer.
   *
   * @default - none is watched
   */
  readonly certificates?: acm.ICertificate[];
  /**
   * Who is told.
   *
   * @default - a new encrypted topic, which nobody is subscribed to
   */
  readonly topic?: sns.ITopic;
  /**
   * Answers of the gateway with a status from 500, in per cent of all, that are too many.
   *
   * @default 1
   */
  readonly errorPercentMax?: number;
  /**
   * What all but one in a hundred calls must be answered in. The tool servers' time is in it.
   *
   * @default Duration.seconds(3)
   */
  readonly latencyP99Max?: cdk.Duration;
  /**
   * A certificate that ends sooner was not renewed: ACM begins 60 days before.
   *
   * @default 30
   */
  readonly certificateDaysMin?: number;
  /**
   * Where the runbook is; `#` and a section follow.
   *
   * @default - `docs/runbook.md` of Toolgate
   */
  readonly runbookUrl?: string;
}

/** When a metric is an alarm. Periods are those of the metric. */
interface Threshold {
  readonly id: string;
  /** Section of the runbook. */
  readonly section: string;
  /** One sentence: what is wrong. */
  readonly says: string;
  readonly metric: cloudwatch.IMetric;
  /** This and more is too much; with `isMinimum`, less than this is too little. */
  readonly limit: number;
  readonly isMinimum?: boolean;
  /** Periods that are watched, and how many of them must be wrong. @default 1 */
  readonly periods?: number;
  readonly periodsWrong?: number;
  /** No data is as bad as too little. */
  readonly isMissingBad?: boolean;
}

const minute = cdk.Duration.minutes(1);
const fiveMinutes = cdk.Duration.minutes(5);

/**
 * Alarms on what an operator must look at, and a dashboard to look at. The description of each alarm says what is wrong and names the section
 * of the runbook that says what to do.
 */
export class Alarms extends Construct {
  /** Who is told. */
  readonly topic: sns.ITopic;
  /** All alarms. */
  readonly alarms: cloudwatch.Alarm[] = [];
  /** The pictures to the alarms. */
  readonly dashboard: cloudwatch.Dashboard;
  private readonly runbookUrl: string;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    checkPlatformName(this, props.platformName);
    this.runbookUrl = props.runbookUrl ?? 'docs/runbook.md';
    this.topic = props.topic ?? createAlarmTopic(this, 'Topic', props.platformName);
    const namespace = `Toolgate/${props.platformName}`;
    const { gateway, authorization, registry } = props;
    const metrics = new PlatformMetrics(props);
    const logMetrics = new LogMetrics(this, 'Log', {
      namespace,
      gatewayLogGroup: gateway.logGroup,
      logGroups: [gateway.logGroup, authorization.logGroup, registry.logGroup],
    });
    const taskStops = new TaskStops(this, 'TaskStops', { namespace, cluster: gateway.service.cluster });

    for (const threshold of [
      ...this.answers(metrics, props),
      ...this.dependencies(logMetrics),
      ...this.troubles(logMetrics),
      ...this.tasks(metrics, taskStops, props),
      ...this.resources(metrics, props),
    ]) {
      this.add(threshold);
    }
    this.dashboard = new PlatformDashboard(this, 'Dashboard', { metrics, logMetrics, alarms: this.alarms }).dashboard;
  }

  private add(threshold: Threshold): void {
    const {
      id,
      section,
      says,
      metric,
      limit,
      isMinimum,
      periods = 1,
      periodsWrong = periods,
      isMissingBad,
    } = threshold;
    const alarm = new cloudwatch.Alarm(this, id, {
      alarmDescription: `${says} What to do: ${this.runbookUrl}#${section}`,
      metric,
      threshold: limit,
      comparisonOperator:
        isMinimum === true
          ? cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
          : cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      datapointsToAlarm: periodsWrong,
      treatMissingData:
        isMissingBad === true ? cloudwatch.TreatMissingData.BREACHING : cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new actions.SnsAction(this.topic));
    alarm.addOkAction(new actions.SnsAction(this.topic));
    this.alarms.push(alarm);
  }

  private answers(metrics: PlatformMetrics, props: AlarmsProps): Threshold[] {
    const { errorPercentMax = 1, latencyP99Max = cdk.Duration.seconds(3) } = props;
    if (!(errorPercentMax > 0 && errorPercentMax <= 100)) {
      throw synthError(this, `errorPercentMax is ${errorPercentMax}: give per cent, above 0 and up to 100`);
    }
    const lasting = { periods: 5, periodsWrong: 3 };
    return [
      {
        id: 'GatewayErrors',
        section: 'gateway-errors',
        says: `More than ${errorPercentMax} % of the gateway's answers have a status from 500.`,
        metric: metrics.errorPercent('gateway', minute),
        limit: errorPercentMax,
        ...lasting,
      },
      {
        id: 'SignInErrors',
        section: 'sign-in-errors',
        says: `More than ${errorPercentMax} % of the authorization server's answers have a status from 500.`,
        metric: metrics.errorPercent('authorization', minute),
        limit: errorPercentMax,
        ...lasting,
      },
      {
        id: 'GatewayLatency',
        section: 'gateway-latency',
        says: `One call in a hundred waits longer than ${latencyP99Max.toSeconds({ integral: false })} s for its answer.`,
        metric: metrics.latencyP99('gateway', minute),
        limit: latencyP99Max.toSeconds({ integral: false }),
        ...lasting,
      },
      {
        id: 'EdgeErrors',
        section: 'edge-errors',
        says: 'The load balancer itself answers with a status from 500: no target took the request.',
        metric: metrics.edgeErrors(fiveMinutes),
        limit: 10,
        periods: 2,
      },
    ];
  }

  /** Calls that are refused because a part gives no answer. */
  private dependencies(logMetrics: LogMetrics): Threshold[] {
    const lasting = { limit: 1, periods: 3, periodsWrong: 2 };
    const failures = (part: Parameters<LogMetrics['failures']>[0]) => logMetrics.failures(part, minute);
    return [
      {
        id: 'AuditUnavailable',
        section: 'audit-unavailable',
        says: 'Calls are refused because they cannot be recorded.',
        metric: failures('audit'),
        limit: 1,
      },
      {
        id: 'IdentityUnavailable',
        section: 'identity-unavailable',
        says: 'Calls are refused because the keys of an issuer cannot be had.',
        metric: failures('identity'),
        ...lasting,
      },
      {
        id: 'PolicyUnavailable',
        section: 'policy-unavailable',
        says: 'Calls are refused because policy gives no answer.',
        metric: failures('policy'),
        ...lasting,
      },
      {
        id: 'CatalogueUnavailable',
        section: 'catalogue-unavailable',
        says: 'Calls are refused because the catalogue cannot be read.',
        metric: failures('catalogue'),
        ...lasting,
      },
      {
        id: 'QuotaUnavailable',
        section: 'quota-unavailable',
        says: 'Calls are refused because they cannot be counted in time.',
        metric: failures('quota'),
        ...lasting,
      },
      {
        id: 'ApprovalsUnavailable',
        section: 'approvals-unavailable',
        says: 'Calls are refused because approvals cannot be read.',
        metric: failures('approvals'),
        ...lasting,
      },
      {
        id: 'SigningUnavailable',
        section: 'signing-keys',
        says: 'Calls are refused because no key can sign the token for the tool server.',
        metric: failures('signing'),
        ...lasting,
      },
      {
        id: 'ToolServerFailures',
        section: 'tool-server-failures',
        says: 'A tool server does not answer, is late, or answers what is no MCP.',
        metric: failures('toolServers'),
        limit: 3,
        periods: 5,
        periodsWrong: 4,
      },
      {
        id: 'InternalErrors',
        section: 'internal-errors',
        says: 'The gateway met a bug of its own, or dropped a result that it could not make safe.',
        metric: failures('ourselves'),
        limit: 1,
      },
    ];
  }

  private troubles(logMetrics: LogMetrics): Threshold[] {
    const troubles = (trouble: Parameters<LogMetrics['troubles']>[0]) => logMetrics.troubles(trouble, fiveMinutes);
    return [
      {
        id: 'AuditStorage',
        section: 'audit-storage',
        says: 'Records are late in the audit bucket, or some may be lost.',
        metric: troubles('auditStorage'),
        limit: 3,
      },
      {
        id: 'AuditCheckpoints',
        section: 'audit-checkpoints',
        says: 'Checkpoints of the record cannot be signed or stored.',
        metric: troubles('checkpoints'),
        limit: 5,
      },
      {
        id: 'PolicyRefused',
        section: 'policy-refused',
        says: 'A new policy was refused; the last good one goes on deciding.',
        metric: troubles('policy'),
        limit: 1,
      },
      {
        id: 'SigningKeys',
        section: 'signing-keys',
        says: 'Keys that sign tokens for tool servers cannot be vouched for or published.',
        metric: troubles('signingKeys'),
        limit: 1,
        periods: 3,
        periodsWrong: 2,
      },
      {
        id: 'Registration',
        section: 'registration',
        says: 'A tool server is not registered as its stack declares it.',
        metric: troubles('registration'),
        limit: 1,
      },
    ];
  }

  private tasks(metrics: PlatformMetrics, taskStops: TaskStops, props: AlarmsProps): Threshold[] {
    const { gateway, authorization, registry } = props;
    const services = Object.entries({ Gateway: gateway, Authorization: authorization, Registry: registry });
    const unhealthy = services.flatMap(([name, { targetGroups }]) =>
      targetGroups.map((targetGroup, index) => ({
        id: `${name}Unhealthy${index === 0 ? '' : index + 1}`,
        section: 'unhealthy-targets',
        says: `A task of ${name} does not answer its health check.`,
        metric: metrics.unhealthyTargets(targetGroup, minute),
        limit: 1,
        periods: 10,
      })),
    );
    const gone = services.map(([name, { service }]) => ({
      id: `${name}Gone`,
      section: 'no-tasks',
      says: `No task of ${name} runs.`,
      metric: metrics.runningTasks(service, minute),
      limit: 1,
      isMinimum: true,
      isMissingBad: true,
      periods: 5,
    }));
    const stops = {
      id: 'UnwantedTaskStops',
      section: 'task-stops',
      says: 'Tasks stopped that nobody asked to stop, or could not start.',
      metric: taskStops.metric(cdk.Duration.minutes(15)),
      limit: 2,
    };
    return [...unhealthy, ...gone, stops];
  }

  private resources(metrics: PlatformMetrics, props: AlarmsProps): Threshold[] {
    const { stateTables, certificates = [], certificateDaysMin = 30 } = props;
    const throttled = stateTables.names.map((name) => ({
      id: `Throttled-${name}`,
      section: 'table-throttles',
      says: `DynamoDB throttles the table ${name}.`,
      metric: metrics.throttles(name, minute),
      limit: 1,
      periods: 5,
      periodsWrong: 3,
    }));
    const expiring = certificates.map((certificate, index) => ({
      id: `Certificate${index === 0 ? '' : index + 1}`,
      section: 'certificate-expiry',
      says: `A certificate of the load balancer ends in less than ${certificateDaysMin} days.`,
      metric: certificate.metricDaysToExpiry({ period: cdk.Duration.days(1), statistic: 'Minimum' }),
      limit: certificateDaysMin,
      isMinimum: true,
    }));
    return [...throttled, ...expiring];
  }
}
