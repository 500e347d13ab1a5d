import { type RunningToolServer, serveTools } from '../serve-tools.ts';
import { databaseOf, databaseProblems, doorOptions, type ToolServerDeps } from '../start-tool-server.ts';
import type { WriteServerEnv } from './env.ts';
import { postgresWrite } from './postgres-write.ts';

/** Starts the server of the tools that change something. Its database connections end with it; `deps` stay open. */
export async function startWriteServer(env: WriteServerEnv, deps: ToolServerDeps): Promise<RunningToolServer> {
  const database = databaseOf(env, { isReadOnly: false, logger: deps.logger });
  const server = await serveTools({
    ...doorOptions(env),
    ...deps,
    identity: {
      name: 'write',
      title: 'Changes to business data',
      description: 'Changes rows of the business database. A person approves every call.',
      version: '1.0.0',
      owner: env.OWNER,
      slo: { availability: 99.5, latencyP95Ms: 1_000 },
    },
    tools: [postgresWrite(database)],
    problems: () => databaseProblems(database, deps.logger),
  });
  return {
    ...server,
    async close() {
      await server.close();
      await database.close();
    },
  };
}
