import type { Json, JsonObject } from '../../contract/json.ts';
import { JsonError, parseJson } from '../../shared/parse-json.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { SafeFetch } from '../../shared/safe-fetch.ts';

export interface ListToolsOptions {
  /** Guarded against addresses that are not public, answers without end and servers that never answer. */
  readonly fetch: SafeFetch;
  /** A token that is good at `audience` and nowhere else. */
  readonly token: (audience: string) => string | Promise<string>;
  /** @default performance.now */
  readonly now?: () => number;
}

const protocolVersion = '2026-07-28';
const pagesMax = 50;
const toolsMax = 1000;
/** Of all pages together: the registry waits for each server of a pass, and keeps what eight of them say at once. */
const secondsMax = 30;
const mebibytesMax = 8;
const limits = { depthMax: 64, valuesMax: 200_000 };

/**
 * Reads `tools/list` of a server, page by page, as MCP 2026-07-28 asks for it. Throws Refusal `upstream_refused` for a 401 and for a JSON-RPC error,
 * `upstream_invalid` for what is not MCP, `upstream_timeout` and `upstream_too_large` for all pages together, and what `fetch` throws.
 */
export function createListTools({ fetch, token, now = () => performance.now() }: ListToolsOptions) {
  return async (url: string, audience: string): Promise<readonly Json[]> => {
    const authorization = `Bearer ${await token(audience)}`;
    const beganMs = now();
    let bytes = 0;
    const tools: Json[] = [];
    const seen = new Set<string>();
    let cursor: string | undefined;
    for (let page = 1; page <= pagesMax; page += 1) {
      const { status, headers, body } = await fetch(url, {
        headers: {
          authorization,
          accept: 'application/json, text/event-stream',
          'content-type': 'application/json',
          'mcp-protocol-version': protocolVersion,
          'mcp-method': 'tools/list',
        },
        contentTypes: ['application/json', 'text/event-stream'],
        body: JSON.stringify(toRequest(page, cursor)),
      });
      bytes += body.length;
      if (bytes > mebibytesMax * 1024 * 1024)
        throw new Refusal('upstream_too_large', { reason: `tools/list has more than ${mebibytesMax} MiB.` });
      if (now() - beganMs > secondsMax * 1000)
        throw new Refusal('upstream_timeout', { reason: `tools/list did not come to its end in ${secondsMax} s.` });
      const isStream = (headers.get('content-type') ?? '').startsWith('text/event-stream');
      const result = readResult(isStream ? lastEvent(body) : body, page, status);
      if (!Array.isArray(result.tools)) throw invalid('tools/list has no list of tools.');
      tools.push(...result.tools);
      if (tools.length > toolsMax) throw invalid(`tools/list has more than ${toolsMax} tools.`);
      if (result.nextCursor === undefined) return tools;
      if (typeof result.nextCursor !== 'string' || seen.has(result.nextCursor)) {
        throw invalid('tools/list has a cursor that leads nowhere.');
      }
      cursor = result.nextCursor;
      seen.add(cursor);
    }
    throw invalid(`tools/list has more than ${pagesMax} pages.`);
  };
}

function toRequest(id: number, cursor: string | undefined): JsonObject {
  return {
    jsonrpc: '2.0',
    id,
    method: 'tools/list',
    params: {
      ...(cursor !== undefined && { cursor }),
      _meta: {
        'io.modelcontextprotocol/protocolVersion': protocolVersion,
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': { name: 'toolgate-registry', version: '1' },
      },
    },
  };
}

function readResult(body: Buffer, id: number, status: number): JsonObject {
  if (status === 401) {
    throw new Refusal('upstream_refused', {
      reason: 'The server refuses the token of the registry (status 401): it must trust its issuer, REGISTRY_ISSUER.',
    });
  }
  const message = readMessage(body, status);
  if (isObject(message.error)) {
    const { code } = message.error;
    throw new Refusal('upstream_refused', {
      reason: `The server refuses tools/list with ${typeof code === 'number' ? code : 'an error'} (status ${status}).`,
    });
  }
  if (status !== 200) throw invalid(`tools/list answers with status ${status}.`);
  if (message.id !== id || !isObject(message.result)) throw invalid('tools/list has an answer to another request.');
  return message.result;
}

function readMessage(body: Buffer, status: number): JsonObject {
  try {
    const message = parseJson(body, limits);
    if (isObject(message) && message.jsonrpc === '2.0') return message;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw invalid(`tools/list answers with something that is not JSON-RPC (status ${status}).`);
}

/** Notifications may come first; the answer is the last event. WHATWG HTML § 9.2.6. */
function lastEvent(body: Buffer): Buffer {
  const events = body
    .toString('utf8')
    .split(/\r\n\r\n|\n\n|\r\r/)
    .map((event) =>
      event
        .split(/\r\n|\n|\r/)
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(line.startsWith('data: ') ? 6 : 5))
        .join('\n'),
    )
    .filter((data) => data !== '');
  return Buffer.from(events.at(-1) ?? '');
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(reason: string): Refusal {
  return new Refusal('upstream_invalid', { reason });
}
