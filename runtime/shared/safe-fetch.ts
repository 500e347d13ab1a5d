import { lookup as dnsLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Agent, buildConnector, request } from 'undici';
import { addressKind } from './public-address.ts';
import { Refusal } from './refusal.ts';

export interface SafeFetchOptions {
  /** Lets http and https reach this machine. For laptops and tests only. @default false */
  readonly allowLoopback?: boolean;
  readonly bodyBytesMax: number;
  /** For the whole exchange: resolving, connecting, headers and body. */
  readonly timeoutMs: number;
  /**
   * Names of one's own network, e.g. `tools.prod.internal`: only names below it may lead to private addresses, by http or https, and they
   * may lead nowhere else. @default none
   */
  readonly internalDomain?: string;
  /** Ports of public addresses. @default 443 */
  readonly allowedPorts?: readonly number[];
  /** Resolves a name to every address that it has. @default the system's resolver */
  readonly lookup?: (hostname: string) => Promise<readonly string[]>;
  /** Further certificate authorities, PEM. */
  readonly ca?: string;
}

export interface SafeRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Media types that the answer may have, e.g. `application/json`; a type with a `+json` suffix fits that too. */
  readonly contentTypes?: readonly string[];
  /** Sent as a POST; its `content-type` is among the headers. @default none: a GET */
  readonly body?: string;
}

export interface SafeResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/**
 * Asks a URL that somebody else chose. Throws Refusal `address_not_allowed` before a packet is sent when the URL or an address behind it is
 * not public, `upstream_timeout`, `upstream_too_large`, `upstream_invalid` for another media type or an encoded body, and
 * `upstream_unavailable` for the rest. Redirects are returned, not followed.
 */
export type SafeFetch = (url: string, request?: SafeRequest) => Promise<SafeResponse>;

/** Asks addresses that others name (client metadata documents, capability manifests, key sets): the guard against SSRF. */
export function createSafeFetch(options: SafeFetchOptions): SafeFetch {
  const { bodyBytesMax, timeoutMs } = options;
  const dispatcher = new Agent({
    connect: guardedConnector(options),
    // One connection an exchange: nothing stays open towards strangers, and every exchange is checked anew.
    pipelining: 0,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: 16 * 1024,
  });

  async function exchange(
    target: URL,
    signal: AbortSignal,
    { headers, contentTypes, body }: SafeRequest,
  ): Promise<SafeResponse> {
    const response = await request(target, {
      dispatcher,
      signal,
      ...(body !== undefined && { method: 'POST', body }),
      headers: { accept: contentTypes?.join(', ') ?? '*/*', ...headers, 'accept-encoding': 'identity' },
    });
    const answer = toHeaders(response.headers);
    try {
      if (response.statusCode === 200) checkMedia(answer, contentTypes);
      const read = await readBody(response.body, Number(answer.get('content-length') ?? 0), bodyBytesMax);
      return { status: response.statusCode, headers: answer, body: read };
    } catch (error) {
      response.body.on('error', () => {}).destroy();
      throw error;
    }
  }

  return async (url, safeRequest = {}) => {
    const target = checkUrl(url, options);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    try {
      // The abort reaches an exchange only once it is connected; the race also ends one whose name server says nothing.
      return await Promise.race([exchange(target, late.signal, safeRequest), aborted(late.signal)]);
    } catch (error) {
      throw asRefusal(error, target, late.signal.aborted, timeoutMs);
    } finally {
      clearTimeout(timer);
    }
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function checkUrl(text: string, options: SafeFetchOptions): URL {
  const { allowLoopback = false, allowedPorts = [443] } = options;
  // Parsers disagree about backslashes, blanks and controls, so a URL with them is not looked at further.
  const raw = /^(https?):\/\/([^/?#]+)[!-[\]-~]*$/.exec(text);
  const url = raw === null ? null : URL.parse(text);
  if (raw === null || url === null) throw notAllowed('It is not a plain https URL.');
  if (url.username !== '' || url.password !== '' || raw[2]?.includes('@')) throw notAllowed('It carries credentials.');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.hostname.endsWith('.')) throw notAllowed('Its host ends in a dot.');
  if (isIP(host) === 4 && raw[2]?.replace(/:\d*$/, '') !== host) throw notAllowed('Its host is a number in disguise.');
  const isLoopbackName = host === 'localhost' || host.endsWith('.localhost') || addressKind(host) === 'loopback';
  if (isLoopbackName && !allowLoopback) throw notAllowed('It leads back to this machine.');
  if (isIP(host) !== 0 && !['public', 'loopback'].includes(addressKind(host))) {
    throw notAllowed('Its address is not public.');
  }
  if (isInternalName(host, options)) return url;
  if (url.protocol !== 'https:' && !isLoopbackName) throw notAllowed('It is not https.');
  const port = Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port);
  if (!allowLoopback && !allowedPorts.includes(port)) throw notAllowed(`Port ${port} is not allowed.`);
  return url;
}

/** Connects to an address that was checked, never to a name: what was checked is what is dialled (DNS rebinding). */
function guardedConnector(options: SafeFetchOptions): buildConnector.connector {
  const { allowLoopback = false, allowedPorts = [443], timeoutMs, ca, lookup = systemLookup } = options;
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false, ...(ca === undefined ? {} : { ca }) });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const resolved = isIP(host) === 0 ? lookup(host) : Promise.resolve([host]);
    resolved
      .then((addresses) => {
        const kinds = addresses.map(addressKind);
        // One bad address among good ones is what an attacker's name server sends, so all must be good.
        const isPublic = kinds.every((kind) => kind === 'public');
        const isLoopback = allowLoopback && kinds.every((kind) => kind === 'loopback');
        const [first] = addresses;
        if (first === undefined) throw new Error(`${host} has no address`);
        const servername = isIP(host) === 0 ? host : '';
        const dial = () =>
          connect({ ...target, hostname: first, servername: target.servername ?? servername }, callback);
        if (isInternalName(host, options)) {
          if (kinds.every((kind) => kind === 'private') || isLoopback) return dial();
          throw notAllowed('Its name is one of this network and leads out of it.');
        }
        if (!isPublic && !isLoopback) throw notAllowed('Its name leads to an address that is not public.');
        if (isPublic && target.protocol !== 'https:') throw notAllowed('It is not https.');
        const port = Number(target.port === '' || target.port === null ? 443 : target.port);
        if (isPublic && !allowedPorts.includes(port)) throw notAllowed(`Port ${port} is not allowed.`);
        dial();
      })
      .catch((error: Error) => callback(error, null));
  };
}

function isInternalName(host: string, { internalDomain }: SafeFetchOptions): boolean {
  return internalDomain !== undefined && host.endsWith(`.${internalDomain}`);
}

async function systemLookup(hostname: string): Promise<readonly string[]> {
  return (await dnsLookup(hostname, { all: true, order: 'ipv4first' })).map(({ address }) => address);
}

function toHeaders(raw: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const item of Array.isArray(value) ? value : value === undefined ? [] : [value]) headers.append(name, item);
  }
  return headers;
}

function checkMedia(headers: Headers, contentTypes: readonly string[] | undefined): void {
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw new Refusal('upstream_invalid', { reason: 'The answer is compressed.' });
  if (contentTypes === undefined) return;
  const type = (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (contentTypes.includes(type)) return;
  if (type.endsWith('+json') && contentTypes.includes('application/json')) return;
  throw new Refusal('upstream_invalid', { reason: `The answer is not ${contentTypes.join(' or ')}.` });
}

async function readBody(body: AsyncIterable<Buffer>, announced: number, bytesMax: number): Promise<Buffer> {
  const tooLarge = () => new Refusal('upstream_too_large', { reason: `The answer is larger than ${bytesMax} bytes.` });
  if (announced > bytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function notAllowed(why: string): Refusal {
  return new Refusal('address_not_allowed', { reason: `The address is not one that this service may call. ${why}` });
}

function asRefusal(error: unknown, url: URL, isLate: boolean, timeoutMs: number): Refusal {
  if (error instanceof Refusal) return error;
  if (isLate) {
    return new Refusal(
      'upstream_timeout',
      { reason: `${url.host} did not answer in ${timeoutMs} ms.` },
      { cause: error },
    );
  }
  return new Refusal('upstream_unavailable', { reason: `${url.host} cannot be reached.` }, { cause: error });
}
