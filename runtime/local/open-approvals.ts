import { randomBytes } from 'node:crypto';
import { startApprovals } from '../approvals/app.ts';
import { assembleApprovals } from '../approvals/deps.ts';
import { approvalsEnv } from '../approvals/env.ts';
import { openPages } from '../approvals/open-pages.ts';
import { sampleUsers } from '../authorization/sample-users.ts';
import type { GatewayDeps } from '../gateway/deps.ts';
import type { Logger } from '../shared/logger.ts';
import { createPolicyClient } from '../shared/policy-client.ts';
import { readEnv } from '../shared/read-env.ts';
import type { TaskAnswers } from '../shared/workflow-tasks.ts';
import type { LocalDynamo } from './dynamo.ts';
import { tablePrefix } from './open-services.ts';
import type { Openings } from './openings.ts';
import { openSlackChannel } from './slack-channel/open-slack-channel.ts';
import type { SlackSettings } from './slack-settings.ts';
import type { Place } from './start-platform.ts';
import type { StateFolder } from './state-folder.ts';

/** Where people say yes or no. Writes into the gateway's record: one process has one writer. */
export async function openApprovals(
  parts: {
    readonly place: Place;
    readonly port: number;
    readonly dynamo: LocalDynamo;
    readonly state: StateFolder;
    readonly logger: Logger;
    readonly gateway: GatewayDeps;
    readonly workflow: TaskAnswers;
    /** A workspace of Slack. @default the channel of this machine */
    readonly slack: SlackSettings | undefined;
  },
  openings: Openings,
): Promise<void> {
  const { place, port, dynamo, state, logger, gateway, workflow } = parts;
  const channel = parts.slack === undefined ? await openSlackChannel({ users: sampleUsers, ...place }) : undefined;
  openings.add(() => channel?.close());
  const env = readEnv(approvalsEnv, {
    ...(channel?.env ?? parts.slack),
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: place.approvalsUrl,
    AUTHORIZATION_ISSUER: place.issuer,
    // Whoever was signed in signs in anew after a restart: no key lies on the disk.
    APPROVALS_COOKIE_KEY: randomBytes(32).toString('base64'),
    POLICY_DIR: state.inside('policy'),
    AUDIT_DIR: place.auditDirectory,
    TABLE_PREFIX: tablePrefix,
    DYNAMODB_ENDPOINT: dynamo.endpoint,
    DRAIN_TIMEOUT_MS: '2000',
  });
  const client = dynamo.createClient();
  openings.add(() => client.destroy());
  const policy = await createPolicyClient({ folder: env.POLICY_DIR, logger });
  openings.add(() => policy.close());
  const deps = {
    ...assembleApprovals(env, { now: Date.now, logger, audit: gateway.audit, client, policy, workflow }),
    problems: () => [],
    close: async () => {},
  };
  const approvals = await startApprovals(env, deps, openPages(env, deps, channel?.pages));
  openings.add(() => approvals.close());
}
