import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { AuditEvent } from '../contract/audit-event.ts';
import type { CallTimes } from './call-times.ts';

/** What `/metrics` tells. Labels are few and bounded: no tenant, no caller, no tool name that a client made up. */
export interface GatewayMetrics {
  /** Counts one recorded message. */
  observe(event: AuditEvent): void;
  readonly openMessages: { inc(): void; dec(): void };
  /** Prometheus text, and its content type. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface GatewayMetricsOptions {
  readonly withProcess: boolean;
  /** Is told how long each call took. @default nobody is */
  readonly callTimes?: Pick<CallTimes, 'note'>;
}

export function createGatewayMetrics(options: GatewayMetricsOptions): GatewayMetrics {
  const registry = new Registry();
  if (options.withProcess) collectDefaultMetrics({ register: registry });
  const messages = new Counter({
    name: 'toolgate_messages_total',
    help: 'MCP messages by method, server, outcome and refusal code',
    labelNames: ['method', 'server', 'outcome', 'code'] as const,
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'toolgate_message_seconds',
    help: 'Time from a message read to its answer recorded, without what people took to decide',
    labelNames: ['method'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const open = new Gauge({ name: 'toolgate_open_messages', help: 'Messages under way', registers: [registry] });
  // A labelled child is looked up by its labels each time; the few there are, are kept.
  const counters = new Map<string, ReturnType<typeof messages.labels>>();
  const timers = new Map<string, ReturnType<typeof seconds.labels>>();
  return {
    observe(event) {
      // Requests of unknown methods were refused before they got here; notifications may be called anything.
      const method = event.method?.startsWith('notifications/') ? 'notification' : (event.method ?? 'unread');
      const key = `${method} ${event.server ?? ''} ${event.outcome} ${event.code ?? ''}`;
      let counter = counters.get(key);
      if (counter === undefined) {
        counter = messages.labels(method, event.server ?? '', event.outcome, event.code ?? '');
        counters.set(key, counter);
      }
      counter.inc();
      let timer = timers.get(method);
      if (timer === undefined) {
        timer = seconds.labels(method);
        timers.set(method, timer);
      }
      // A person's pace is no slowness of the platform.
      const ms = (event.latency_ms.total ?? 0) - (event.latency_ms.wait ?? 0);
      timer.observe(ms / 1000);
      if (method === 'tools/call') options.callTimes?.note(ms);
    },
    openMessages: open,
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
