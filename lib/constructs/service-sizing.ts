import type * as logs from 'aws-cdk-lib/aws-logs';
import type { IConstruct } from 'constructs';
import { checkWhole, shown } from './check-props.ts';
import { synthError } from './synth-error.ts';

/** Where tasks of a service run and how many there are; the same for all services of a platform unless one says otherwise. */
export interface McpServiceSizing {
  /**
   * CPU units of a task, 1024 for a vCPU; only pairs of CPU and memory that Fargate knows.
   *
   * @default 256
   */
  readonly cpu?: number;
  /**
   * Memory of a task, MiB.
   *
   * @default 512
   */
  readonly memoryLimitMiB?: number;
  /**
   * Tasks that always run; the lower end of scaling.
   *
   * @default 2
   */
  readonly desiredCount?: number;
  /**
   * The upper end of scaling. Equal to `desiredCount`: no scaling.
   *
   * @default - ten, or `desiredCount` when that is more
   */
  readonly maxCount?: number;
  /**
   * Requests a minute per task that scaling aims at.
   *
   * @default 3000
   */
  readonly requestsPerTargetPerMinute?: number;
  /**
   * Runs tasks on spare capacity, which AWS may take back with two minutes' notice.
   *
   * @default false
   */
  readonly spot?: boolean;
  /**
   * How long log lines stay.
   *
   * @default - three months
   */
  readonly logRetention?: logs.RetentionDays;
}

/** What is decided where nothing is said. */
interface CheckedSizing {
  readonly cpu: number;
  readonly memoryLimitMiB: number;
  readonly desiredCount: number;
  readonly maxCount: number;
  readonly requestsPerTargetPerMinute: number;
}

/** Memory that a task may have with so much CPU, GiB: from, to, in steps of. Amazon ECS Developer Guide, "Task CPU and memory". */
const fargateMemory: Readonly<Record<number, readonly [from: number, to: number, step: number]>> = {
  256: [0.5, 2, 0.5],
  512: [1, 4, 1],
  1024: [2, 8, 1],
  2048: [4, 16, 1],
  4096: [8, 30, 1],
  8192: [16, 60, 4],
  16384: [32, 120, 8],
};
/** Of one service. Amazon ECS Developer Guide, "Service quotas". */
const tasksMax = 5000;

/** Throws a sentence for what no service can be; gives back what is decided. */
export function checkSizing(scope: IConstruct, sizing: McpServiceSizing): CheckedSizing {
  const { cpu = 256, memoryLimitMiB = 512, desiredCount = 2, requestsPerTargetPerMinute = 3000 } = sizing;
  const maxCount = sizing.maxCount ?? Math.max(10, desiredCount);
  checkWhole(scope, 'desiredCount', desiredCount, 1, tasksMax);
  checkWhole(scope, 'maxCount', maxCount, 1, tasksMax);
  checkWhole(scope, 'requestsPerTargetPerMinute', requestsPerTargetPerMinute, 1, 1_000_000);
  if (maxCount < desiredCount) {
    throw synthError(
      scope,
      `maxCount is ${maxCount}, less than the ${desiredCount} tasks of desiredCount: raise one or lower the other`,
    );
  }
  checkMemory(scope, cpu, memoryLimitMiB);
  return { cpu, memoryLimitMiB, desiredCount, maxCount, requestsPerTargetPerMinute };
}

function checkMemory(scope: IConstruct, cpu: number, memoryLimitMiB: number): void {
  const range = fargateMemory[cpu];
  if (range === undefined) {
    throw synthError(scope, `cpu is ${shown(cpu)}: Fargate has ${Object.keys(fargateMemory).join(', ')}`);
  }
  const [from, to, step] = range.map((gibibytes) => gibibytes * 1024) as [number, number, number];
  const isOdd = cpu === 256 ? ![512, 1024, 2048].includes(memoryLimitMiB) : (memoryLimitMiB - from) % step !== 0;
  if (memoryLimitMiB >= from && memoryLimitMiB <= to && !isOdd) return;
  const allowed = cpu === 256 ? '512, 1024 or 2048' : `${from} to ${to} in steps of ${step}`;
  throw synthError(scope, `memoryLimitMiB is ${shown(memoryLimitMiB)}: with a cpu of ${cpu} Fargate has ${allowed}`);
}

/** What of `props` is about sizing, and said; `base` for the rest. */
export function sizingOf(props: McpServiceSizing, base: McpServiceSizing = {}): McpServiceSizing {
  const { cpu, memoryLimitMiB, desiredCount, maxCount, requestsPerTargetPerMinute, spot, logRetention } = props;
  const said = { cpu, memoryLimitMiB, desiredCount, maxCount, requestsPerTargetPerMinute, spot, logRetention };
  const sizing = { ...base, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) };
  // Who asks for more tasks than the base scales to wants them, and no further scaling.
  const isTooFew = maxCount === undefined && desiredCount !== undefined && desiredCount > (base.maxCount ?? Infinity);
  return isTooFew ? { ...sizing, maxCount: desiredCount } : sizing;
}
