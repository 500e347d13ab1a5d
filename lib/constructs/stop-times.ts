/**
 * How a task stops, in seconds, longest last. ECS takes the task from its target groups and waits for `deregistrationDelay`, sends SIGTERM,
 * and kills after `stopTimeout`. Between the two the service finishes calls for `drain` and then flushes its audit record.
 */
export const stopSeconds = { drain: 20, deregistrationDelay: 30, stopTimeout: 60 } as const;

/** What a service reads: DRAIN_TIMEOUT_MS. */
export const drainTimeoutMs = String(stopSeconds.drain * 1000);
