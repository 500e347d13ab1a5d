import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** What `/metrics` tells. Labels are few and bounded: no server names. */
export interface RegistryMetrics {
  /** Counts one look at a declared server: `registered`, `updated`, `unchanged`, `withdrawn` or a refusal code. */
  readonly observe: (outcome: string) => void;
  /** Prometheus text, and its content type. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** How things stand when somebody asks. */
export interface RegistryState {
  /** Declarations that the last pass found. */
  readonly declared: number;
  /** Those of them whose server is not as declared. */
  readonly amiss: number;
  readonly isLeading: boolean;
}

export function createRegistryMetrics(state: () => RegistryState): RegistryMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const looks = new Counter({
    name: 'toolgate_registrations_total',
    help: 'Looks at declared servers by outcome or refusal code',
    labelNames: ['outcome'] as const,
    registers,
  });
  new Gauge({
    name: 'toolgate_declarations',
    help: 'Declarations by whether their server is as declared, as the replica that leads sees them',
    labelNames: ['state'] as const,
    registers,
    collect() {
      const { declared, amiss } = state();
      this.set({ state: 'as_declared' }, declared - amiss);
      this.set({ state: 'amiss' }, amiss);
    },
  });
  new Gauge({
    name: 'toolgate_registry_leading',
    help: '1 for the replica that keeps the catalogue',
    registers,
    collect() {
      this.set(state().isLeading ? 1 : 0);
    },
  });
  return {
    observe: (outcome) => looks.inc({ outcome }),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
