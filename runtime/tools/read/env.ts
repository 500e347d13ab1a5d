import { type EnvOf, integer, list, text } from '../../shared/read-env.ts';
import { databaseEnv, toolServerEnv } from '../tool-server-env.ts';

/** Every variable of the read server. */
export const readServerEnv = {
  ...toolServerEnv,
  ...databaseEnv,
  ROWS_MAX: integer('most rows of one answer', { min: 1, max: 100_000 }, 1_000),
  CELL_BYTES_MAX: integer('characters of all cells of one answer, bytes', { min: 1_024, max: 4_194_304 }, 262_144),
  S3_BUCKETS: list('buckets that may be listed', []),
  S3_ENDPOINT: text('endpoint of an S3-compatible store; empty: Amazon S3', ''),
  AWS_REGION: text('region of the store', 'us-east-1'),
} as const;

export type ReadServerEnv = EnvOf<typeof readServerEnv>;
