import { auditPlaceProblem } from '../shared/audit/audit-env.ts';
import { readEnv } from '../shared/read-env.ts';
import { type RunningGateway, startGateway } from './app.ts';
import { createGatewayDeps, type GatewayDeps } from './deps.ts';
import { gatewayEnv, signingKeysProblem } from './env.ts';

/** For the record and the connections, after the last call has ended. Together with DRAIN_TIMEOUT_MS it stays below the time that ECS gives a task. */
const flushTimeoutMs = 20_000;

/** The gateway as a process of its own. */
try {
  const env = readEnv(gatewayEnv, process.env, auditPlaceProblem, signingKeysProblem);
  const deps = await createGatewayDeps(env);
  const gateway = await startGateway(env, deps);
  deps.logger.info({ url: gateway.url, mtlsPort: gateway.mtlsPort, publicUrl: env.PUBLIC_URL }, 'the gateway listens');
  endOnSignal(gateway, deps, env.DRAIN_TIMEOUT_MS + flushTimeoutMs);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

function endOnSignal(gateway: RunningGateway, deps: GatewayDeps, timeoutMs: number): void {
  let isEnding = false;
  const end = async (signal: NodeJS.Signals) => {
    if (isEnding) return;
    isEnding = true;
    deps.logger.info({ signal }, 'the gateway drains');
    // Whoever waits for a store that never answers is ended from outside, and then nobody reads why.
    setTimeout(() => {
      deps.logger.error({ timeoutMs }, 'the gateway did not end in time: what was not recorded by now is lost');
      process.exit(1);
    }, timeoutMs).unref();
    await gateway.close();
    await deps.close();
    process.exit(0);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}
