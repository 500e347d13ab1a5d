import * as cdk from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { IConstruct } from 'constructs';
import type { AlarmsProps } from './alarms.ts';
import type { LogMetrics } from './log-metrics.ts';
import { dependencies, troubles } from './log-thresholds.ts';
import type { PlatformMetrics } from './platform-metrics.ts';
import { synthError } from './synth-error.ts';
import type { TaskStops } from './task-stops.ts';

/** When a metric is an alarm. Periods are those of the metric. */
export interface Threshold {
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

/** Where thresholds find what they watch. */
export interface Watched {
  /** Errors name it. */
  readonly scope: IConstruct;
  readonly props: AlarmsProps;
  readonly metrics: PlatformMetrics;
  readonly logMetrics: LogMetrics;
  readonly taskStops: TaskStops;
}

const minute = cdk.Duration.minutes(1);
const fiveMinutes = cdk.Duration.minutes(5);

/** Everything that somebody must look at, from what callers meet to what will only hurt later. */
export function thresholdsOf(watched: Watched): Threshold[] {
  return [answers, dependencies, troubles, questions, tasks, resources].flatMap((thresholds) => thresholds(watched));
}

function answers({ scope, metrics, logMetrics, props }: Watched): Threshold[] {
  const { errorPercentMax = 1, latencyP99Max = cdk.Duration.seconds(3) } = props;
  if (!(errorPercentMax > 0 && errorPercentMax <= 100)) {
    throw synthError(scope, `errorPercentMax is ${errorPercentMax}: give per cent, above 0 and up to 100`);
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
      says: `One call in a hundred waits longer than ${latencyP99Max.toSeconds({ integral: false })} s for its answer, people's time not counted.`,
      metric: logMetrics.callP99(minute),
      limit: latencyP99Max.toSeconds({ integral: false }),
      ...lasting,
    },
    {
      id: 'ApprovalErrors',
      section: 'approval-errors',
      says: 'The approvals service answers people, or Slack, with a status from 500.',
      // Few people ask, so a share of them says nothing.
      metric: metrics.errors('approvals', fiveMinutes),
      limit: 3,
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

/** Executions of the workflow, one for each question. */
function questions({ props }: Watched): Threshold[] {
  const { stateMachine } = props.workflow;
  const sum = { period: fiveMinutes, statistic: 'Sum' };
  const section = 'approval-workflow';
  return [
    {
      id: 'WorkflowFailed',
      section,
      says: 'A question to people ended wrong: nobody could be told, or a yes was not of another person.',
      metric: stateMachine.metricFailed(sum),
      limit: 1,
    },
    {
      id: 'WorkflowEnded',
      section,
      says: 'Somebody stopped the workflow of a question, or it ran out of time.',
      metric: new cloudwatch.MathExpression({
        expression: 'FILL(aborted, 0) + FILL(timedOut, 0)',
        usingMetrics: { aborted: stateMachine.metricAborted(sum), timedOut: stateMachine.metricTimedOut(sum) },
        label: 'aborted or timed out',
        period: fiveMinutes,
      }),
      limit: 1,
    },
    {
      id: 'WorkflowThrottled',
      section,
      says: 'Step Functions throttles the workflow of questions.',
      metric: stateMachine.metricThrottled(sum),
      limit: 1,
      periods: 3,
      periodsWrong: 2,
    },
  ];
}

function tasks({ metrics, taskStops, props }: Watched): Threshold[] {
  const { gateway, authorization, registry, approvals } = props;
  const services = Object.entries({
    Gateway: gateway,
    Authorization: authorization,
    Registry: registry,
    Approvals: approvals,
  });
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

function resources({ metrics, props }: Watched): Threshold[] {
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
