import {
  Client,
  InsufficientScopeError,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { UnauthorizedError as UnauthorizedErrorV1 } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import {
  StreamableHTTPError,
  StreamableHTTPClientTransport as TransportV1,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { PersonAtBrowser } from './person-at-browser.ts';

/** What a call gave: a result, or the no as this client tells it. */
export type ClientAnswer =
  | { readonly kind: 'result'; readonly isError: boolean; readonly text: string; readonly structured: unknown }
  | { readonly kind: 'refusal'; readonly code: number | string | undefined; readonly message: string };

/** A real MCP client, whichever it is. */
export interface RealClient {
  /** The revision that it settled on with the server. */
  readonly revision: string | undefined;
  listTools(): Promise<readonly string[]>;
  /** Rejects when `signal` ends it. */
  callTool(name: string, args: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<ClientAnswer>;
  close(): Promise<void>;
}

/** How a client waits for an answer. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Asks for progress, and is told what comes. */
  readonly onProgress?: (message: string | undefined) => void;
}

/** Shows its user a page that a server asks for, and comes back when the user has looked. */
export type ShowPage = (url: string) => Promise<void>;

const identity = { name: 'toolgate-end-to-end', version: '1.0.0' };

/** SDK v2, which asks the server what it speaks. It is turned away once, signs in, and connects. */
export async function connectSdkV2(url: string, person: PersonAtBrowser, onPage?: ShowPage): Promise<RealClient> {
  const transport = () =>
    new StreamableHTTPClientTransport(new URL(url), { authProvider: person, onInsufficientScope: 'throw' });
  const capabilities = onPage === undefined ? {} : { elicitation: { url: {} } };
  const client = () => new Client(identity, { capabilities, versionNegotiation: { mode: 'auto' } });
  const first = transport();
  try {
    await client().connect(first);
    throw new Error('the gateway let a client in without a token');
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
  }
  await first.finishAuth(person.answer());
  const connected = client();
  if (onPage !== undefined) {
    connected.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode !== 'url') throw new Error(`asked for ${params.mode}, not shown a page`);
      await onPage(params.url);
      return { action: 'accept' };
    });
  }
  await connected.connect(transport());
  return {
    revision: connected.getNegotiatedProtocolVersion(),
    listTools: async () => (await connected.listTools()).tools.map(({ name }) => name),
    callTool: (name, args, options) =>
      answerOf(() => connected.callTool({ name, arguments: args }, requestOptions(options)), options),
    close: () => connected.close(),
  };
}

/** SDK v1, which knows 2025-11-25 and earlier. */
export async function connectSdkV1(url: string, person: PersonAtBrowser): Promise<RealClient> {
  // Its transport says `sessionId: string | undefined` where its interface says `sessionId?: string`.
  const transport = () => new TransportV1(new URL(url), { authProvider: person });
  const first = transport();
  try {
    await new ClientV1(identity).connect(first as Transport);
    throw new Error('the gateway let a client in without a token');
  } catch (error) {
    if (!(error instanceof UnauthorizedErrorV1)) throw error;
  }
  const code = person.answer().get('code');
  if (code === null) throw new Error(`no code came back: ${person.answer()}`);
  await first.finishAuth(code);
  const connected = new ClientV1(identity);
  const second = transport();
  await connected.connect(second as Transport);
  return {
    revision: second.protocolVersion,
    listTools: async () => (await connected.listTools()).tools.map(({ name }) => name),
    callTool: (name, args, options) =>
      answerOf(() => connected.callTool({ name, arguments: args }, undefined, requestOptions(options)), options),
    close: () => connected.close(),
  };
}

function requestOptions({ signal, onProgress }: CallOptions = {}) {
  return {
    ...(signal !== undefined && { signal }),
    ...(onProgress !== undefined && {
      onprogress: ({ message }: { message?: string | undefined }) => onProgress(message),
    }),
  };
}

interface CallResult {
  readonly isError?: boolean | undefined;
  readonly content?: unknown;
  readonly structuredContent?: unknown;
}

/** What a call of either SDK comes to, errors of the wire included; whatever else is thrown goes on. */
export async function answerOf(call: () => Promise<unknown>, options?: CallOptions): Promise<ClientAnswer> {
  try {
    return resultOf((await call()) as CallResult);
  } catch (error) {
    options?.signal?.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    if (error instanceof InsufficientScopeError) {
      return { kind: 'refusal', code: 'insufficient_scope', message: error.message };
    }
    if (error instanceof StreamableHTTPError || 'code' in error) {
      return { kind: 'refusal', code: (error as { code?: number }).code, message: error.message };
    }
    throw error;
  }
}

/** A store that is too slow on a busy machine says so; the call is sent again. */
export async function callPatiently(
  client: Pick<RealClient, 'callTool'>,
  ...call: Parameters<RealClient['callTool']>
): Promise<ClientAnswer> {
  let answer = await client.callTool(...call);
  for (let again = 0; again < 5 && isNotNow(answer); again += 1) answer = await client.callTool(...call);
  return answer;
}

function isNotNow(answer: ClientAnswer): boolean {
  return answer.kind === 'refusal' && /_unavailable\b/.test(answer.message);
}

/** A tools/call result as a client's user sees it. */
export function resultOf({ isError, content, structuredContent }: CallResult): ClientAnswer {
  const texts = (Array.isArray(content) ? content : []).flatMap((block: { type?: string; text?: string }) =>
    block.type === 'text' ? [block.text ?? ''] : [],
  );
  return { kind: 'result', isError: isError === true, text: texts.join('\n'), structured: structuredContent };
}
