import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Json, JsonObject } from '../contract/json.ts';
import type { DynamoDBClient } from '../shared/dynamo.ts';
import { StateError } from './state-error.ts';

/**
 * Does what a task `aws-sdk:dynamodb:{action}` says. Arguments are in the form of the API, which is that of the client.
 * @throws StateError with the name that Step Functions gives to the client's error, e.g. `DynamoDb.ConditionalCheckFailedException`
 */
export async function callDynamoTask(client: DynamoDBClient, action: string, args: JsonObject): Promise<Json> {
  const input = args as never;
  try {
    if (action === 'putItem') await client.send(new PutItemCommand(input));
    else if (action === 'updateItem') await client.send(new UpdateItemCommand(input));
    else if (action === 'getItem') {
      const { Item } = await client.send(new GetItemCommand(input));
      return Item === undefined ? {} : { Item: Item as unknown as JsonObject };
    } else throw new StateError('States.Runtime', `There is no task ${action} on this machine.`);
    return {};
  } catch (error) {
    if (error instanceof StateError) throw error;
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    throw new StateError(`DynamoDb.${$metadata?.httpStatusCode === undefined ? 'SdkClientException' : name}`, message);
  }
}
