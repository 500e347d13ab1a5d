import { randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '../dynamo.ts';
import type { Logger } from '../logger.ts';
import type { EnvOf } from '../read-env.ts';
import { openEndorsedSigningKeys } from './endorsed-signing-keys.ts';
import type { KeyEndorser } from './key-statement.ts';
import { createKmsClient, openKmsEndorser } from './kms-endorser.ts';
import { createPublishedKeys } from './published-keys.ts';
import { ownSigningKeys, type PublicKeys, type SigningKeys } from './signing-keys.ts';
import type { signingKeysEnv } from './signing-keys-env.ts';
import { createStatementStore } from './statement-store.ts';

interface Place {
  readonly AWS_REGION: string;
  readonly TABLE_PREFIX: string;
}

export interface OpenPublicKeysOptions {
  /** SPIFFE id of the service whose keys they are. */
  readonly actor: string;
  readonly client: DynamoDBClient;
  readonly now: () => number;
  readonly logger: Logger;
}

export interface OpenSigningKeysOptions extends OpenPublicKeysOptions {
  /** What its processes are called in their statements; a random part is added. */
  readonly writer: string;
}

/** The keys that the environment asks for. Never rejects: what they lack is in `problem()`. */
export async function openSigningKeys(
  env: EnvOf<typeof signingKeysEnv> & Place,
  options: OpenSigningKeysOptions,
): Promise<SigningKeys> {
  const { actor, writer, client, now, logger } = options;
  if (env.UPSTREAM_KMS_KEY_ID === '') return ownSigningKeys(now);
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

/** Of the registry, for the gateway that publishes them: nothing is asked of its root key but the public half. Undefined when none is named. */
export function openRegistryKeys(
  env: { readonly REGISTRY_KMS_KEY_ID: string } & Place,
  { client, ...options }: OpenPublicKeysOptions,
): PublicKeys | undefined {
  const { REGISTRY_KMS_KEY_ID: keyId } = env;
  if (keyId === '') return undefined;
  const kms = createKmsClient(env.AWS_REGION);
  let known: KeyEndorser | undefined;
  const root = async () => {
    known ??= await openKmsEndorser(kms, keyId, 'REGISTRY_KMS_KEY_ID');
    return known;
  };
  const { jwks } = createPublishedKeys({ ...options, store: createStatementStore(client, env.TABLE_PREFIX), root });
  return { jwks, close: () => kms.destroy() };
}
