import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { type RunningToolServer, serveTools } from '../serve-tools.ts';
import { databaseOf, databaseProblems, doorOptions, type ToolServerDeps } from '../start-tool-server.ts';
import type { ReadServerEnv } from './env.ts';
import { postgresReadonly } from './postgres-readonly.ts';
import { s3List } from './s3-list.ts';

export interface ReadServerDeps extends ToolServerDeps {
  /** Access to the object store; without it, what the AWS SDK finds in the process's surroundings. */
  readonly s3Credentials?: NonNullable<S3ClientConfig['credentials']>;
}

/** Starts the server of the tools that only read. Its database connections and store client end with it; `deps` stay open. */
export async function startReadServer(env: ReadServerEnv, deps: ReadServerDeps): Promise<RunningToolServer> {
  const { s3Credentials, ...shared } = deps;
  const database = databaseOf(env, { isReadOnly: true, logger: deps.logger });
  const store = new S3Client({
    region: env.AWS_REGION,
    // Stores other than Amazon's seldom have a name for each bucket.
    ...(env.S3_ENDPOINT !== '' && { endpoint: env.S3_ENDPOINT, forcePathStyle: true }),
    ...(s3Credentials !== undefined && { credentials: s3Credentials }),
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 10_000 },
  });
  const server = await serveTools({
    ...doorOptions(env),
    ...shared,
    identity: {
      name: 'read',
      title: 'Business data, read only',
      description: 'Reads the business database and lists objects in the object store. Changes nothing.',
      version: '1.0.0',
      owner: env.OWNER,
      slo: { availability: 99.9, latencyP95Ms: 500 },
    },
    tools: [
      postgresReadonly(database, { rowsMax: env.ROWS_MAX, cellBytesMax: env.CELL_BYTES_MAX }),
      s3List(store, { buckets: env.S3_BUCKETS }),
    ],
    problems: () => databaseProblems(database, deps.logger),
  });
  return {
    ...server,
    async close() {
      await server.close();
      await database.close();
      store.destroy();
    },
  };
}
