/** The controls that the benchmark takes out in turn. */
export const benchControls = ['authenticate', 'policy', 'quota', 'validate', 'mint', 'redact', 'audit'] as const;

export type BenchControl = (typeof benchControls)[number];

/** What may be taken out: one control, or all of them, which leaves HTTP, JSON and the steps around them. */
export type Without = BenchControl | 'controls';

/** The targets by name, in the order of the table. */
export const benchTargets: readonly string[] = [
  'bare',
  'everything',
  ...benchControls.map((control) => `no-${control}`),
  'no-controls',
];
