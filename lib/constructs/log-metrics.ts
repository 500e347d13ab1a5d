import type * as cdk from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { callTimesLine, failureCodes, troubleLines } from './log-lines.ts';

export type FailingPart = keyof typeof failureCodes;
export type Trouble = keyof typeof troubleLines;

export interface LogMetricsProps {
  /** Of the metrics. */
  readonly namespace: string;
  /** Of the gateway, the only service that tells refused calls. */
  readonly gatewayLogGroup: logs.ILogGroup;
  /** Of all services, the gateway's among them. */
  readonly logGroups: readonly logs.ILogGroup[];
}

/** pino's number for an error; a stranger's refused message is a warning, so it is not counted as a failure. */
const errorLevel = 50;
const callP99 = 'CallP99';

/**
 * Reads structured lines of the services' logs. Logs and not `/metrics`, because nothing scrapes a platform by itself, and the lines are written
 * anyway.
 */
export class LogMetrics extends Construct {
  private readonly namespace: string;

  constructor(scope: Construct, id: string, props: LogMetricsProps) {
    super(scope, id);
    this.namespace = props.namespace;
    this.countFailures(props.gatewayLogGroup);
    this.readCallTimes(props.gatewayLogGroup);
    for (const trouble of Object.keys(troubleLines) as Trouble[]) {
      for (const [index, logGroup] of props.logGroups.entries()) this.countLines(trouble, index, logGroup);
    }
  }

  /** Lines that tell calls refused because of this part. */
  failures(part: FailingPart, period: cdk.Duration): cloudwatch.IMetric {
    const metrics = failureCodes[part].map((code) => this.failure(code, period));
    const [only] = metrics;
    if (only !== undefined && metrics.length === 1) return only;
    const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
    return new cloudwatch.MathExpression({
      expression: Object.keys(usingMetrics)
        .map((name) => `FILL(${name}, 0)`)
        .join(' + '),
      usingMetrics,
      label: part,
      period,
    });
  }

  /** Lines with this code. */
  failure(code: string, period: cdk.Duration): cloudwatch.Metric {
    return this.sum('Failures', period, code, { Code: code });
  }

  /** Lines that tell this trouble. */
  troubles(trouble: Trouble, period: cdk.Duration): cloudwatch.Metric {
    return this.sum(metricNameOf(trouble), period, trouble);
  }

  /** Seconds that all but one in a hundred calls took at most, without what people took to decide; of the slowest replica. */
  callP99(period: cdk.Duration): cloudwatch.Metric {
    const { namespace } = this;
    const label = 'p99 without waiting for people';
    return new cloudwatch.Metric({ namespace, metricName: callP99, period, label, statistic: 'Maximum' });
  }

  private sum(
    metricName: string,
    period: cdk.Duration,
    label: string,
    dimensionsMap: Record<string, string> = {},
  ): cloudwatch.Metric {
    const { namespace } = this;
    return new cloudwatch.Metric({ namespace, metricName, dimensionsMap, period, label, statistic: 'Sum' });
  }

  /** One filter for all codes: the code is the metric's dimension. */
  private countFailures(logGroup: logs.ILogGroup): void {
    const codes = Object.values(failureCodes).flat();
    new logs.MetricFilter(this, 'Failures', {
      logGroup,
      filterPattern: logs.FilterPattern.all(
        logs.FilterPattern.numberValue('$.level', '>=', errorLevel),
        logs.FilterPattern.any(...codes.map((code) => logs.FilterPattern.stringValue('$.code', '=', code))),
      ),
      metricNamespace: this.namespace,
      metricName: 'Failures',
      metricValue: '1',
      dimensions: { Code: '$.code' },
    });
  }

  private readCallTimes(logGroup: logs.ILogGroup): void {
    new logs.MetricFilter(this, callP99, {
      logGroup,
      filterPattern: logs.FilterPattern.stringValue('$.msg', '=', callTimesLine.msg),
      metricNamespace: this.namespace,
      metricName: callP99,
      metricValue: callTimesLine.p99Seconds,
      unit: cloudwatch.Unit.SECONDS,
    });
  }

  private countLines(trouble: Trouble, index: number, logGroup: logs.ILogGroup): void {
    new logs.MetricFilter(this, `${metricNameOf(trouble)}${index}`, {
      logGroup,
      filterPattern: logs.FilterPattern.any(
        ...troubleLines[trouble].map((line) => logs.FilterPattern.stringValue('$.msg', '=', line)),
      ),
      metricNamespace: this.namespace,
      metricName: metricNameOf(trouble),
      metricValue: '1',
    });
  }
}

function metricNameOf(trouble: Trouble): string {
  return trouble.charAt(0).toUpperCase() + trouble.slice(1);
}
