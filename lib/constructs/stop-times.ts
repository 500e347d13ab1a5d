/**
 * How a task stops, in seconds, longest last. ECS takes the task from its target groups and waits for `deregistrationDelay`, sends SIGTERM,
 * and kills after `stopTimeout`. Between the two the service finishes calls for `drain` and then flushes its audit record.
 */
export const stopSeconds = { drain: 20, deregistrationDelay: 30, stopTimeout: 60 } as const;

/**
 * How long a new task may be unhealthy, in seconds, before ECS replaces it: a gateway is healthy only after its signing key was published for
 * 35 seconds (UPSTREAM_KEY_LEAD_MS), and the load balancer asks twice.
 */
export const startGraceSeconds = 120;

/** What a service reads: DRAIN_TIMEOUT_MS. */
export const drainTimeoutMs = String(stopSeconds.drain * 1000);
