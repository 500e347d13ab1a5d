import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** SSM's parameters over its own protocol (AWS JSON 1.1), as far as our services and tests use them. */
export interface SsmDouble {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** By name; a test may write here. */
  readonly parameters: Map<string, string>;
  /** Answers every request with this error from now on; undefined: answers again. */
  failure: { readonly status: number; readonly type: string } | undefined;
  close(): Promise<void>;
}

type Input = Readonly<Record<string, unknown>>;

export async function startSsmDouble(): Promise<SsmDouble> {
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const double: SsmDouble = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    parameters: new Map(),
    failure: undefined,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const input = JSON.parse((await text(request)) || '{}') as Input;
    const action = String(request.headers['x-amz-target']).replace('AmazonSSM.', '');
    const answer = double.failure ?? answerOf(action, input, double.parameters);
    const isFailure = 'type' in answer;
    response.writeHead(isFailure ? answer.status : 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(isFailure ? { __type: answer.type, message: answer.type } : answer));
  }
  return double;
}

function answerOf(action: string, input: Input, parameters: Map<string, string>) {
  const name = String(input.Name);
  const read = (each: string) => ({ Name: each, Type: 'String', Value: parameters.get(each), Version: 1 });
  switch (action) {
    case 'PutParameter':
      if (parameters.has(name) && input.Overwrite !== true) return fault('ParameterAlreadyExists');
      if (Buffer.byteLength(String(input.Value)) > (input.Tier === 'Advanced' ? 8192 : 4096)) {
        return fault('ValidationException');
      }
      parameters.set(name, String(input.Value));
      return { Version: 1, Tier: input.Tier ?? 'Standard' };
    case 'DeleteParameter':
      return parameters.delete(name) ? {} : fault('ParameterNotFound');
    case 'GetParameter':
      return parameters.has(name) ? { Parameter: read(name) } : fault('ParameterNotFound');
    case 'GetParametersByPath': {
      const path = `${String(input.Path).replace(/\/$/, '')}/`;
      const size = Number(input.MaxResults ?? 10);
      if (size < 1 || size > 10) return fault('ValidationException');
      const below = [...parameters.keys()]
        .filter((each) => each.startsWith(path))
        .filter((each) => input.Recursive === true || !each.slice(path.length).includes('/'))
        .sort();
      const start = Number(input.NextToken ?? 0);
      const end = start + size;
      return {
        Parameters: below.slice(start, end).map(read),
        ...(end < below.length && { NextToken: String(end) }),
      };
    }
    default:
      return fault('UnknownOperationException');
  }
}

function fault(type: string) {
  return { status: 400, type };
}
