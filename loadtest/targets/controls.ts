/** The controls that the benchmark takes out in turn. */
export const benchControls = ['authenticate', 'policy', 'quota', 'validate', 'mint', 'redact', 'audit'] as const;

export type BenchControl = (typeof benchControls)[number];
