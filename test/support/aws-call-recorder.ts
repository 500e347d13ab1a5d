import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tables } from '../../runtime/contract/tables.ts';
import type { AwsCall } from './iam-policy.ts';
import type { Ministack } from './ministack.ts';

/** A proxy in front of the emulator that notes which permissions each call of a service needs. */
export interface AwsCallRecorder {
  /** For `AWS_ENDPOINT_URL`. */
  readonly endpoint: string;
  readonly calls: readonly AwsCall[];
  close(): Promise<void>;
}

export interface RecorderOptions {
  readonly emulator: Ministack;
  readonly account: string;
  /** Whose task tokens the service answers with: a token names its machine to AWS alone. */
  readonly stateMachineArn?: string;
  /** Permissions that AWS checks beside the one of the call, e.g. of the key that encrypts a bucket. */
  readonly implied?: (call: AwsCall) => readonly AwsCall[];
}

export async function startAwsCallRecorder(options: RecorderOptions): Promise<AwsCallRecorder> {
  const { emulator, account, stateMachineArn, implied = () => [] } = options;
  const calls: AwsCall[] = [];
  const target = new URL(emulator.endpoint);
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      try {
        for (const call of callsOf(incoming.method ?? '', incoming.url ?? '/', incoming.headers, body, {
          ...emulator,
          account,
          ...(stateMachineArn !== undefined && { stateMachineArn }),
        }))
          calls.push(call, ...implied(call));
      } catch (error) {
        // A call that nobody can name is an unknown permission: it must fail the test, not pass unseen.
        calls.push({ action: 'unknown', resource: String(error), context: {} });
      }
      const outgoing = request(
        {
          host: target.hostname,
          port: target.port,
          method: incoming.method,
          path: incoming.url,
          headers: incoming.headers,
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      outgoing.on('error', () => response.destroy());
      outgoing.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Place {
  readonly region: string;
  readonly account: string;
  readonly stateMachineArn?: string;
}

/** The permissions that AWS would check for one request of its API (Service Authorization Reference). Throws for a request it cannot name. */
export function callsOf(
  method: string,
  url: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
  place: Place,
): readonly AwsCall[] {
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([a-z0-9-]+)\/aws4_request/.exec(headers.authorization ?? '')?.[1];
  if (service === undefined) throw new Error(`${method} ${url} is not signed`);
  if (service === 's3') return [s3CallOf(method, url, headers)];
  const operation = String(headers['x-amz-target'] ?? '')
    .split('.')
    .at(-1);
  if (operation === undefined || operation === '') throw new Error(`${method} ${url} of ${service} names no operation`);
  const input = JSON.parse(body.toString('utf8') || '{}') as Record<string, unknown>;
  const action = `${service}:${operation}`;
  const contexts: readonly AwsCall['context'][] =
    service === 'dynamodb' ? leadingKeysOf(input).map((keys) => ({ ...keys, ...attributesOf(input) })) : [{}];
  return resourcesOf(service, operation, input, place).flatMap((resource) =>
    contexts.map((context) => ({ action, resource, context })),
  );
}

interface ItemInput {
  readonly TableName?: string;
  readonly Key?: Item;
  readonly Item?: Item;
  readonly KeyConditionExpression?: string;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Item;
  /** Of one table only: a service that reads two at once would be seen as one that reads the first. */
  readonly RequestItems?: Readonly<Record<string, { readonly Keys?: readonly Item[] }>>;
}

type Item = Readonly<Record<string, { readonly S?: string }>>;

/** The partitions of a call about items, or of a query, each as a context of its own: all of them must be allowed. */
function leadingKeysOf(input: ItemInput): readonly Record<string, string>[] {
  const [[batchTable, batch] = []] = Object.entries(input.RequestItems ?? {});
  const table = String(input.TableName ?? batchTable);
  const partitionKey = tables.find(({ name }) => table.endsWith(`-${name}`))?.partitionKey ?? '';
  const asked = /^\w+ = (:\w+)/.exec(input.KeyConditionExpression ?? '')?.[1];
  const values =
    asked === undefined
      ? (batch?.Keys ?? [input.Key ?? input.Item]).map((item) => item?.[partitionKey]?.S)
      : [input.ExpressionAttributeValues?.[asked]?.S];
  return values.map((value) => (value === undefined ? {} : { 'dynamodb:LeadingKeys': value }));
}

/** What a read names of an item, its keys among it; one without a projection asks for everything by naming nothing. */
function attributesOf({ ProjectionExpression, ExpressionAttributeNames: names = {}, Key = {} }: ItemInput) {
  if (ProjectionExpression === undefined) return {};
  const asked = ProjectionExpression.split(',').map((path) => path.trim().split(/[.[]/, 1)[0] ?? '');
  return { 'dynamodb:Attributes': [...Object.keys(Key), ...asked.map((name) => names[name] ?? name)] };
}

function resourcesOf(
  service: string,
  operation: string,
  input: Record<string, unknown>,
  { region, account, stateMachineArn }: Place,
): readonly string[] {
  const at = `arn:aws:${service}:${region}:${account}`;
  if (service === 'dynamodb') {
    const names =
      input.TableName === undefined ? Object.keys((input.RequestItems ?? {}) as object) : [String(input.TableName)];
    const index = input.IndexName === undefined ? '' : `/index/${input.IndexName}`;
    if (names.length > 0) return names.map((name) => `${at}:table/${name}${index}`);
  }
  if (service === 'ssm') {
    const names = [input.Name ?? input.Path ?? input.Names ?? []].flat().map(String);
    if (names.length > 0) return names.map((name) => `${at}:parameter/${name.replace(/^\//, '').replace(/\/$/, '')}`);
  }
  if (service === 'states') return [machineOf(input, stateMachineArn)];
  if (service === 'kms' && typeof input.KeyId === 'string')
    return [input.KeyId.startsWith('arn:') ? input.KeyId : `${at}:key/${input.KeyId}`];
  if (service === 'secretsmanager' && typeof input.SecretId === 'string') return [input.SecretId];
  throw new Error(`${service}:${operation} names no resource that is known here`);
}

function machineOf(input: Record<string, unknown>, ofTokens: string | undefined): string {
  const machine = input.stateMachineArn ?? (typeof input.taskToken === 'string' ? ofTokens : undefined);
  if (typeof machine !== 'string') throw new Error('a call of Step Functions names no state machine');
  return machine;
}

function s3CallOf(method: string, url: string, headers: IncomingHttpHeaders): AwsCall {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [bucket = '', ...rest] = pathname.slice(1).split('/');
  const key = decodeURIComponent(rest.join('/'));
  const bucketArn = `arn:aws:s3:::${bucket}`;
  const resource = key === '' ? bucketArn : `${bucketArn}/${key}`;
  const context: Record<string, string> = {};
  const copy = (name: string, condition: string) => {
    const value = headers[name];
    if (typeof value === 'string') context[condition] = value;
  };
  copy('if-none-match', 's3:if-none-match');
  copy('x-amz-server-side-encryption', 's3:x-amz-server-side-encryption');
  const prefix = searchParams.get('prefix');
  if (prefix !== null) context['s3:prefix'] = prefix;
  const of = (action: string): AwsCall => ({ action: `s3:${action}`, resource, context });
  if (key === '' && method === 'GET' && (searchParams.has('list-type') || prefix !== null)) return of('ListBucket');
  if (key === '' && method === 'HEAD') return of('ListBucket');
  const isPlain = [...searchParams.keys()].every((name) => name === 'x-id' || name.startsWith('X-Amz-'));
  if (key !== '' && isPlain) {
    if (method === 'PUT') return of('PutObject');
    if (method === 'GET' || method === 'HEAD') return of('GetObject');
    if (method === 'DELETE') return of('DeleteObject');
  }
  throw new Error(`${method} ${url} of s3 is not known here`);
}
