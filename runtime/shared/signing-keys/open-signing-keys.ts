import { randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '../dynamo.ts';
import type { Logger } from '../logger.ts';
import type { EnvOf } from '../read-env.ts';
import { openEndorsedSigningKeys } from './endorsed-signing-keys.ts';
import { createKmsClient, openKmsEndorser } from './kms-endorser.ts';
import { ownSigningKeys, type SigningKeys } from './signing-keys.ts';
import type { signingKeysEnv } from './signing-keys-env.ts';
import { createStatementStore } from './statement-store.ts';

type SigningEnv = EnvOf<typeof signingKeysEnv> & {
  readonly AWS_REGION: string;
  readonly TABLE_PREFIX: string;
};

export interface OpenSigningKeysOptions {
  /** SPIFFE id of this service. */
  readonly actor: string;
  /** What its processes are called in their statements; a random part is added. */
  readonly writer: string;
  readonly client: DynamoDBClient;
  readonly now: () => number;
  readonly logger: Logger;
}

const ownLifetimeMs = 86_400_000;

/** The keys that the environment asks for. Never rejects: what they lack is in `problem()`. */
export async function openSigningKeys(env: SigningEnv, options: OpenSigningKeysOptions): Promise<SigningKeys> {
  const { actor, writer, client, now, logger } = options;
  if (env.UPSTREAM_KMS_KEY_ID === '') return ownSigningKeys(now, ownLifetimeMs);
  const kms = createKmsClient(env.AWS_REGION);
  const keys = await openEndorsedSigningKeys({
    openEndorser: () => openKmsEndorser(kms, env.UPSTREAM_KMS_KEY_ID),
    store: createStatementStore(client, env.TABLE_PREFIX),
    actor,
    writer: `${writer}-${randomBytes(4).toString('hex')}`,
    now,
    logger,
    leadMs: env.UPSTREAM_KEY_LEAD_MS,
  });
  return {
    ...keys,
    close() {
      keys.close();
      kms.destroy();
    },
  };
}
