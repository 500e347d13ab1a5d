import { createDynamoClient } from '../shared/dynamo.ts';
import { createLogger } from '../shared/logger.ts';
import { readEnv } from '../shared/read-env.ts';
import { authorizationEnv } from './env.ts';
import { startAuthorizationServer } from './start-authorization-server.ts';

const logger = createLogger('authorization');
try {
  const env = readEnv(authorizationEnv, process.env);
  const dynamodb = createDynamoClient({
    region: env.AWS_REGION,
    ...(env.DYNAMODB_ENDPOINT === '' ? {} : { endpoint: env.DYNAMODB_ENDPOINT }),
  });
  const server = await startAuthorizationServer(env, { dynamodb, logger });
  logger.info({ issuer: server.issuer, url: server.url }, 'listening');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      server.close().then(
        () => {
          dynamodb.destroy();
          logger.info('stopped');
        },
        (error: unknown) => logger.error({ err: error }, 'not stopped cleanly'),
      );
    });
  }
} catch (error) {
  // One sentence for the person who starts it; the rest is for us.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
