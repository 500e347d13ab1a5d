import type { Sample } from './pii-scoring.ts';
export function generateCorpus(): Sample[] {
  return [];
}
