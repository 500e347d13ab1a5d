import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApprovals } from '../../runtime/approvals/app.ts';
import { assembleApprovals } from '../../runtime/approvals/deps.ts';
import { approvalsEnv } from '../../runtime/approvals/env.ts';
import { openAuditWriter } from '../../runtime/shared/audit/open-audit-writer.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';
import { createPolicyClient } from '../../runtime/shared/policy-client.ts';
import { readEnv } from '../../runtime/shared/read-env.ts';
import { policiesFolder } from '../../test/policies/samples.ts';
import { announceTarget } from './serve-target.ts';
import { createStoreClient } from './store-client.ts';

/** One replica of the approvals service, with Slack's stand-in of the benchmark. */
const folder = mkdtempSync(join(tmpdir(), 'toolgate-bench-'));
await assemblePolicyBundle(policiesFolder, folder);
const policy = await createPolicyClient({ folder, pollMs: 0 });
const env = readEnv(approvalsEnv, {
  HOST: '127.0.0.1',
  PORT: '0',
  PUBLIC_URL: 'http://approvals.bench',
  SLACK_BOT_TOKEN: process.env.SLACK_TOKEN ?? '',
  SLACK_SIGNING_SECRET: 'f'.repeat(32),
  SLACK_API_URL: process.env.SLACK_URL ?? '',
  SLACK_CHANNELS: `*=${process.env.SLACK_CHANNEL}`,
  POLICY_DIR: folder,
  TABLE_PREFIX: 'bench-',
  AUDIT_DIR: join(folder, 'audit'),
  DRAIN_TIMEOUT_MS: '2000',
});
const client = createStoreClient(process.env.STORE_ENDPOINT ?? '');
const commands: Record<string, number> = {};
client.middlewareStack.add(
  (next, { commandName = 'unknown' }) =>
    (args) => {
      commands[commandName] = (commands[commandName] ?? 0) + 1;
      return next(args);
    },
  { step: 'initialize', name: 'countCommands' },
);
const logger = silentLogger();
const audit = await openAuditWriter({ directory: env.AUDIT_DIR, writer: 'approvals', now: Date.now, logger });
const parts = assembleApprovals(env, { now: Date.now, logger, audit, client, policy });
const approvals = await startApprovals(env, { ...parts, problems: () => [], close: async () => {} });
announceTarget(
  approvals.port,
  {},
  async () => {
    await approvals.close();
    await audit.close();
    policy.close();
    client.destroy();
    rmSync(folder, { recursive: true, force: true });
  },
  () => ({ commands: { ...commands } }),
);
