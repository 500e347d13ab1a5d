import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';

export type { SSMClient } from '@aws-sdk/client-ssm';

export interface SsmOptions {
  readonly region: string;
  /** Only for an emulator. @default the region's endpoint, or AWS_ENDPOINT_URL_SSM */
  readonly endpoint?: string;
  /** @default the SDK's chain: the task role in a deployment */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Of one attempt, from the request to the whole answer. @default 5000 */
  readonly requestTimeoutMs?: number;
  /** Attempts of one command, the first one included. @default 3 */
  readonly attemptsMax?: number;
}

/** A client that does not wait for ever: parameters are read again and again, so a silent SSM is asked again later. */
export function createSsmClient(options: SsmOptions): SSMClient {
  const { region, endpoint, credentials, requestTimeoutMs = 5000, attemptsMax = 3 } = options;
  return new SSMClient({
    region,
    maxAttempts: attemptsMax,
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
    requestHandler: { connectionTimeout: 1000, requestTimeout: requestTimeoutMs, throwOnRequestTimeout: true },
  });
}

/** The parameters right below a path, by the last part of their names. Rejects with what the SDK says; never with half of them. */
export type ListParameters = (path: string) => Promise<ReadonlyMap<string, string>>;

/** Of ten parameters each: far beyond what one platform has. */
const pagesMax = 500;

export function createListParameters(client: Pick<SSMClient, 'send'>): ListParameters {
  return async (path) => {
    const found = new Map<string, string>();
    let NextToken: string | undefined;
    for (let page = 1; page <= pagesMax; page += 1) {
      const answer = await client.send(
        new GetParametersByPathCommand({ Path: path, Recursive: false, MaxResults: 10, NextToken }),
      );
      for (const { Name = '', Value = '' } of answer.Parameters ?? []) found.set(Name.slice(path.length + 1), Value);
      NextToken = answer.NextToken;
      if (NextToken === undefined || NextToken === '') return found;
    }
    throw new Error(`there are more than ${pagesMax} pages of parameters below ${path}`);
  };
}
