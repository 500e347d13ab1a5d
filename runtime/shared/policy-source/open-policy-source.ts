import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { policyBundleBytesMax } from '../../contract/policy-bundle-file.ts';
import type { DynamoDBClient } from '../dynamo.ts';
import type { Logger } from '../logger.ts';
import { createSsmClient } from '../parameters.ts';
import { createAcceptedPolicy } from './accepted-policy.ts';
import { followPolicy, type PolicyFollower } from './follow-policy.ts';
import { openBundlePlace } from './place-bundle.ts';
import { tooLarge } from './read-bundle-file.ts';

export interface PolicySourceOptions {
  /** Name of the SSM parameter. */
  readonly parameter: string;
  /** Becomes a link to the bundle in force. */
  readonly folder: string;
  readonly region: string;
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  readonly logger: Logger;
  readonly pollMs: number;
  readonly onPlaced: () => Promise<unknown>;
}

/** Follows the parameter with clients of its own. Rejects with one sentence when the folder cannot be used; nothing else stops a boot. */
export async function openPolicySource(options: PolicySourceOptions): Promise<PolicyFollower> {
  const { parameter, folder, region, client, tablePrefix, logger, pollMs, onPlaced } = options;
  const place = await openBundlePlace(folder);
  const ssm = createSsmClient({ region, attemptsMax: 2 });
  const s3 = createS3Client(region);
  const follower = followPolicy({
    readParameter: async () => {
      const { Parameter } = await ssm.send(new GetParameterCommand({ Name: parameter }));
      return Parameter?.Value ?? '';
    },
    download: (bucket, key) => download(s3, bucket, key),
    accepted: createAcceptedPolicy(client, tablePrefix),
    place,
    logger,
    onPlaced,
    pollMs,
  });
  return {
    ...follower,
    close() {
      follower.close();
      ssm.destroy();
      s3.destroy();
    },
  };
}

function createS3Client(region: string): S3Client {
  return new S3Client({
    region,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
}

async function download(client: S3Client, Bucket: string, Key: string): Promise<Uint8Array> {
  const { Body, ContentLength = 0 } = await client.send(new GetObjectCommand({ Bucket, Key }));
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of Body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    // Leaving the loop ends the connection.
    if (Math.max(bytes, ContentLength) > policyBundleBytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
