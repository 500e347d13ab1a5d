import { createDynamoClient, type DynamoDBClient } from '../../runtime/shared/dynamo.ts';

/** A client of the benchmark's store, by default as impatient as that of a service. */
export function createStoreClient(endpoint: string, requestTimeoutMs?: number): DynamoDBClient {
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'not-a-secret' };
  return createDynamoClient({
    endpoint,
    region: 'local',
    credentials,
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs, connectTimeoutMs: requestTimeoutMs }),
  });
}
