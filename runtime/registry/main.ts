import { auditPlaceProblem } from '../shared/audit/audit-env.ts';
import { readEnv } from '../shared/read-env.ts';
import { type RunningRegistry, startRegistry } from './app.ts';
import { createRegistryProcessDeps, type RegistryProcessDeps } from './deps.ts';
import { registryEnv } from './env.ts';

/** The registry as a process of its own. */
try {
  const env = readEnv(registryEnv, process.env, auditPlaceProblem);
  const deps = await createRegistryProcessDeps(env);
  const registry = await startRegistry(env, deps);
  deps.logger.info({ url: registry.url, path: env.DECLARATIONS_PATH }, 'the registry listens');
  endOnSignal(registry, deps);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

function endOnSignal(registry: RunningRegistry, deps: RegistryProcessDeps): void {
  let isEnding = false;
  const end = async (signal: NodeJS.Signals) => {
    if (isEnding) return;
    isEnding = true;
    deps.logger.info({ signal }, 'the registry ends');
    await registry.close();
    await deps.close();
    process.exit(0);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}
