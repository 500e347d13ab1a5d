import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An AWS service over AWS JSON 1.1, and how a client reaches it. */
export interface AwsJsonDouble {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Answers every request with this error from now on; undefined: answers again. */
  failure: AwsFault | undefined;
  close(): Promise<void>;
}

export interface AwsFault {
  readonly status: number;
  readonly type: string;
}

export type AwsInput = Readonly<Record<string, unknown>>;

/**
 * Answers what is sent to `{service}.{action}`.
 * @param answerOf a body, or a fault.
 */
export async function startAwsJsonDouble(
  service: string,
  answerOf: (action: string, input: AwsInput) => object | AwsFault,
): Promise<AwsJsonDouble> {
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const double: AwsJsonDouble = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    failure: undefined,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const input = JSON.parse((await text(request)) || '{}') as AwsInput;
    const action = String(request.headers['x-amz-target']).replace(`${service}.`, '');
    const answer = double.failure ?? answerOf(action, input);
    const isFault = 'type' in answer && 'status' in answer;
    response.writeHead(isFault ? Number(answer.status) : 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(isFault ? { __type: answer.type, message: answer.type } : answer));
  }
  return double;
}

/** What AWS answers to a request that is wrong. */
export function awsFault(type: string): AwsFault {
  return { status: 400, type };
}
