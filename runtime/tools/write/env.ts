import type { EnvOf } from '../../shared/read-env.ts';
import { databaseEnv, toolServerEnv } from '../tool-server-env.ts';

/** Every variable of the write server. */
export const writeServerEnv = { ...toolServerEnv, ...databaseEnv } as const;

export type WriteServerEnv = EnvOf<typeof writeServerEnv>;
