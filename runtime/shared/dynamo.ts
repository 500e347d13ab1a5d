import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  DynamoDBClient as SdkClient,
} from '@aws-sdk/client-dynamodb';
import type { RefusalCode } from '../contract/refusal-codes.ts';
import { Refusal } from './refusal.ts';

export type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

export interface DynamoOptions {
  /** AWS region; on a laptop any name. */
  readonly region: string;
  /** Only for an embedded or emulated DynamoDB. @default the region's endpoint */
  readonly endpoint?: string;
  /** @default the SDK's chain: the task role in a deployment */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** To an open socket. @default 150 */
  readonly connectTimeoutMs?: number;
  /** Of one attempt, from the request to the whole answer. @default 1000 */
  readonly requestTimeoutMs?: number;
  /** Attempts of one command, the first one included; throttling and lost sockets are tried again. @default 2 */
  readonly attemptsMax?: number;
  /** Open sockets. @default 64 */
  readonly socketsMax?: number;
}

/**
 * A client that never waits for long: DynamoDB answers in milliseconds or not at all, and a call that waits for it holds a socket of
 * the caller too.
 */
export function createDynamoClient(options: DynamoOptions): DynamoDBClient {
  const { connectTimeoutMs = 150, requestTimeoutMs = 1000, attemptsMax = 2, socketsMax = 64 } = options;
  return new SdkClient({
    region: options.region,
    maxAttempts: attemptsMax,
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.credentials !== undefined && { credentials: options.credentials }),
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: socketsMax, keepAlive: true },
      httpsAgent: { maxSockets: socketsMax, keepAlive: true },
    },
  });
}

/**
 * Runs `work`; whatever it fails with, other than a Refusal, becomes a Refusal with `code`: no answer is a no. A failed condition is an answer,
 * so `work` handles it itself.
 */
export async function orRefuse<T>(code: RefusalCode, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(code, { privateDetail: `DynamoDB: ${nameOf(error)}` }, { cause: error });
  }
}

/** Every item that a query finds, page by page, the last one included: half an answer is an error, never a short list. */
export async function queryAll(
  client: DynamoDBClient,
  input: QueryCommandInput,
  abortSignal?: AbortSignal,
): Promise<readonly Readonly<Record<string, AttributeValue>>[]> {
  const items: Record<string, AttributeValue>[] = [];
  let start: Record<string, AttributeValue> | undefined;
  do {
    const command = new QueryCommand({ ...input, ...(start !== undefined && { ExclusiveStartKey: start }) });
    const page = await client.send(command, { ...(abortSignal !== undefined && { abortSignal }) });
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return items;
}

/** True when a conditional write was refused by its condition: DynamoDB did answer. */
export function isConditionFailure(error: unknown): error is ConditionalCheckFailedException {
  return error instanceof ConditionalCheckFailedException;
}

/** Runs a conditional write; false when its condition did not hold. */
export async function ifConditionHolds(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (isConditionFailure(error)) return false;
    throw error;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
