import type { DynamoDBClient } from '../dynamo.ts';
import type { Logger } from '../logger.ts';
import { type BundlePolicyClient, createPolicyClient } from '../policy-client.ts';
import { openPolicySource } from './open-policy-source.ts';

/** What of a service's environment says where its policy comes from. */
export interface PolicyEnv {
  readonly POLICY_DIR: string;
  readonly POLICY_PARAMETER: string;
  readonly POLICY_POLL_MS: number;
  readonly AWS_REGION: string;
  readonly TABLE_PREFIX: string;
}

/** The policy in the folder, and what brings it there. */
export async function openPolicy(
  env: PolicyEnv,
  { client, now, logger }: { readonly client: DynamoDBClient; readonly now: () => number; readonly logger: Logger },
): Promise<{ readonly policy: BundlePolicyClient; readonly source: { close(): void } | undefined }> {
  const folder = env.POLICY_DIR;
  if (env.POLICY_PARAMETER === '')
    return { policy: await createPolicyClient({ folder, logger, now }), source: undefined };
  let reload = async (): Promise<unknown> => undefined;
  const source = await openPolicySource({
    parameter: env.POLICY_PARAMETER,
    folder,
    region: env.AWS_REGION,
    client,
    tablePrefix: env.TABLE_PREFIX,
    logger,
    pollMs: env.POLICY_POLL_MS,
    onPlaced: () => reload(),
  });
  await source.look();
  const policy = await createPolicyClient({ folder, logger, now });
  reload = policy.reload;
  return { policy, source };
}
