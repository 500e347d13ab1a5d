import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as cdk from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import { failureCodes, troubleLines } from '../../../lib/constructs/log-lines.ts';
import { LogMetrics } from '../../../lib/constructs/log-metrics.ts';
import { refusalCodes } from '../../../runtime/contract/refusal-codes.ts';
import { createCallTimes } from '../../../runtime/gateway/call-times.ts';
import { isFailure } from '../../../runtime/gateway/transport/wire-errors.ts';
import { createFailureLog } from '../../../runtime/shared/failure-log.ts';
import { type Logger, silentLogger } from '../../../runtime/shared/logger.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import { synthTemplate } from '../../support/synth.ts';

const runtime = fileURLToPath(new URL('../../../runtime/', import.meta.url));

/** Filters of two services, of which the first is the gateway. */
function filters() {
  const { template } = synthTemplate((stack) => {
    const [gatewayLogGroup, other] = ['Gateway', 'Registry'].map((id) => new logs.LogGroup(stack, id)) as [
      logs.LogGroup,
      logs.LogGroup,
    ];
    new LogMetrics(stack, 'Log', {
      namespace: 'Toolgate/prod',
      gatewayLogGroup,
      logGroups: [gatewayLogGroup, other],
    });
  });
  return Object.values(template.findResources('AWS::Logs::MetricFilter')).map(({ Properties }) => Properties);
}

test('every line that is watched for is one that a service writes, word for word', () => {
  const sources = globSync('**/*.ts', { cwd: runtime }).map((file) => readFileSync(`${runtime}${file}`, 'utf8'));
  for (const line of Object.values(troubleLines).flat()) {
    assert.ok(
      sources.some((source) => source.includes(`'${line}'`)),
      `no service writes "${line}"`,
    );
  }
});

test('every failure of a call is watched for, but those of a replica that shuts down and of one caller', () => {
  const watched = new Set<string>(Object.values(failureCodes).flat());
  const failures = (Object.keys(refusalCodes) as (keyof typeof refusalCodes)[]).filter((code) => isFailure(code));
  const notWatched = failures.filter((code) => !watched.has(code));
  assert.deepEqual(
    notWatched.filter(
      (code) => !['shutting_down', 'upstream_refused', 'upstream_too_large', 'client_cancelled'].includes(code),
    ),
    [],
  );
  assert.deepEqual(
    [...watched].filter((code) => !failures.includes(code as never)),
    [],
  );
});

test('a failure is counted under its code, and what strangers get refused is not', () => {
  const failures = filters().filter(
    ({ MetricTransformations: [transformation] }) => transformation.MetricName === 'Failures',
  );
  assert.equal(failures.length, 1, 'the gateway alone tells them');
  const [{ FilterPattern, MetricTransformations }] = failures as [
    { FilterPattern: string; MetricTransformations: unknown },
  ];
  assert.match(FilterPattern, /^\{ \(\$\.level >= 50\) && \(\(\$\.code = "identity_unavailable"\) \|\| /);
  assert.deepEqual(MetricTransformations, [
    {
      MetricName: 'Failures',
      MetricNamespace: 'Toolgate/prod',
      MetricValue: '1',
      Dimensions: [{ Key: 'Code', Value: '$.code' }],
    },
  ]);
});

test('the line that tells a failure has the level and the code that the filter reads', () => {
  const lines: unknown[] = [];
  const logger = Object.assign(silentLogger(), {
    error: (fields: object, msg: string) => lines.push({ level: 50, msg, ...fields }),
  }) as Logger;
  createFailureLog({ logger, now: () => 0 }).note(new Refusal('quota_unavailable'));
  const [line] = lines as { level: number; code: string }[];
  assert.equal(line?.level, 50);
  assert.equal(line?.code, 'quota_unavailable');
});

test('the times of calls are read from the line that the gateway writes about them', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const lines: Record<string, unknown>[] = [];
  const logger = Object.assign(silentLogger(), {
    info: (fields: object, msg: string) => lines.push({ msg, ...fields }),
  }) as Logger;
  const times = createCallTimes({ logger });
  times.note(1500);
  t.mock.timers.tick(60_000);
  times.close();
  const [filter] = filters().filter(({ MetricTransformations: [{ MetricName }] }) => MetricName === 'CallP99');
  const [line] = lines;
  assert.ok(filter !== undefined);
  assert.equal(filter.FilterPattern, `{ $.msg = "${line?.msg}" }`);
  const [{ MetricValue, Unit }] = filter.MetricTransformations as [{ MetricValue: string; Unit: string }];
  const value = Number(line?.[MetricValue.replace('$.', '')]);
  assert.ok(value >= 1.5 && value <= 1.575, String(value));
  assert.equal(Unit, 'Seconds');
});

test('trouble is counted in the log of each service', () => {
  const patterns = filters().filter(({ MetricTransformations: [{ MetricName }] }) => MetricName === 'Checkpoints');
  assert.equal(patterns.length, 2);
  for (const { FilterPattern } of patterns) {
    assert.equal(FilterPattern, '{ $.msg = "an audit checkpoint could not be signed or stored; it is tried again" }');
  }
});

test('filter patterns stay below what CloudWatch takes', () => {
  for (const { FilterPattern } of filters()) assert.ok(FilterPattern.length <= 1024, String(FilterPattern.length));
});

test('codes of one part are added up, and a code that never came is no gap', () => {
  const stack = new cdk.Stack();
  const group = new logs.LogGroup(stack, 'Gateway');
  const metrics = new LogMetrics(stack, 'Log', { namespace: 'N', gatewayLogGroup: group, logGroups: [group] });
  const { mathExpression } = metrics.failures('toolServers', cdk.Duration.minutes(1)).toMetricConfig();
  assert.equal(mathExpression?.expression, 'FILL(m0, 0) + FILL(m1, 0) + FILL(m2, 0)');
  const { metricStat } = metrics.failures('audit', cdk.Duration.minutes(1)).toMetricConfig();
  assert.deepEqual(metricStat?.dimensions, [{ name: 'Code', value: 'audit_unavailable' }]);
});
