import { auditPlaceProblem } from '../shared/audit/audit-env.ts';
import { readEnv } from '../shared/read-env.ts';
import { type RunningGateway, startGateway } from './app.ts';
import { createGatewayDeps, type GatewayDeps } from './deps.ts';
import { gatewayEnv, signingKeysProblem } from './env.ts';

/** The gateway as a process of its own. */
try {
  const env = readEnv(gatewayEnv, process.env, auditPlaceProblem, signingKeysProblem);
  const deps = await createGatewayDeps(env);
  const gateway = await startGateway(env, deps);
  deps.logger.info({ url: gateway.url, mtlsPort: gateway.mtlsPort, publicUrl: env.PUBLIC_URL }, 'the gateway listens');
  endOnSignal(gateway, deps);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

function endOnSignal(gateway: RunningGateway, deps: GatewayDeps): void {
  let isEnding = false;
  const end = async (signal: NodeJS.Signals) => {
    if (isEnding) return;
    isEnding = true;
    deps.logger.info({ signal }, 'the gateway drains');
    await gateway.close();
    await deps.close();
    process.exit(0);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}
