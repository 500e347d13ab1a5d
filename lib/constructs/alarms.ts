import type * as cdk from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type Threshold, thresholdsOf } from './alarm-thresholds.ts';
import { createAlarmTopic } from './alarm-topic.ts';
import type { ApprovalWorkflow } from './approval-workflow.ts';
import { LogMetrics } from './log-metrics.ts';
import type { McpService } from './mcp-service.ts';
import { PlatformDashboard } from './platform-dashboard.ts';
import { PlatformMetrics } from './platform-metrics.ts';
import { checkPlatformName } from './platform-name.ts';
import type { IStateTables } from './state-tables.ts';
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
  /** Where people say yes or no. */
  readonly approvals: McpService;
  /** What watches each question to people. */
  readonly workflow: ApprovalWorkflow;
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
   * What all but one in a hundred calls must be answered in. The tool servers' time is in it, to the end of the answer;
   * what a person takes to decide is not.
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
    const { gateway, authorization, registry, approvals } = props;
    const parts = [gateway, authorization, registry, approvals];
    const metrics = new PlatformMetrics(props);
    const logMetrics = new LogMetrics(this, 'Log', {
      namespace,
      gatewayLogGroup: gateway.logGroup,
      logGroups: parts.map(({ logGroup }) => logGroup),
    });
    const services = parts.map(({ service }) => service);
    const taskStops = new TaskStops(this, 'TaskStops', { namespace, services });

    for (const threshold of thresholdsOf({ scope: this, props, metrics, logMetrics, taskStops })) this.add(threshold);
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
}
