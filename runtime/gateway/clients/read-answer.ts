import type { Dispatcher } from 'undici';
import type { Json, JsonObject } from '../../contract/json.ts';
import { JsonError, parseJson } from '../../shared/parse-json.ts';
import { Refusal } from '../../shared/refusal.ts';
import { createEventStreamReader, type EventStreamReader } from './event-stream.ts';
import type { UpstreamAnswer, UpstreamRequest } from './upstream.ts';

/** How long a stream may stay open after its answer. */
const lateEndMs = 1000;

const answerLimits = { depthMax: 128, valuesMax: 1_000_000 };

/** Reads one answer as it comes. Written on undici's dispatch interface: no stream object and no promise a chunk. */
export class AnswerReader implements Dispatcher.DispatchHandler {
  #request: UpstreamRequest;
  #resolve: (answer: UpstreamAnswer) => void;
  #reject: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #events: EventStreamReader | undefined;
  #chunks: Buffer[] = [];
  #size = 0;
  #isSettled = false;
  #lateTimer: NodeJS.Timeout | undefined;
  #onAbort = () => this.#fail(abortReason(this.#request.signal));

  constructor(request: UpstreamRequest, resolve: (answer: UpstreamAnswer) => void, reject: (error: unknown) => void) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    request.signal.addEventListener('abort', this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(new Error('cancelled'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    const type = String(headers['content-type'] ?? '')
      .split(';')[0]
      ?.trim()
      .toLowerCase();
    const refusal = refusalOfHead(status, type, headers, this.#request.resultBytesMax);
    if (refusal !== undefined) this.#fail(refusal);
    else if (type === 'text/event-stream') this.#events = createEventStreamReader(this.#request.resultBytesMax);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isSettled) return;
    if (this.#events !== undefined) {
      this.#readEvents(this.#events, chunk);
      return;
    }
    this.#size += chunk.length;
    if (this.#size > this.#request.resultBytesMax) {
      this.#fail(new Refusal('upstream_too_large', detail(`more than ${this.#request.resultBytesMax} bytes`)));
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.#lateTimer);
    if (this.#isSettled) return;
    if (this.#events !== undefined) {
      this.#fail(invalid('a stream without an answer'));
      return;
    }
    const [first] = this.#chunks;
    if (first === undefined) {
      this.#fail(invalid('an empty body'));
      return;
    }
    try {
      const message = this.#parse(this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks));
      if ('method' in message) throw invalid('a request or notification for an answer');
      this.#answer(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#lateTimer);
    if (this.#isSettled) return;
    const code = (error as { code?: unknown }).code;
    if (typeof code === 'string' && /TIMEOUT|ETIMEDOUT/.test(code)) {
      this.#fail(new Refusal('upstream_timeout', detail(code), { cause: error }));
      return;
    }
    // Once headers came, a broken body is a cut answer; nobody knows what the tool did, so it is never tried again.
    if (this.#status !== 0) {
      this.#fail(invalid(`cut off: ${String(code)}`, error));
      return;
    }
    this.#fail(new Refusal('upstream_unavailable', detail(String(code ?? error.name)), { cause: error }));
  }

  #readEvents(events: EventStreamReader, chunk: Buffer): void {
    try {
      for (const event of events.push(chunk)) {
        if (this.#isSettled) return;
        if (event.kind === 'comment') this.#request.onKeepAlive();
        // A priming event with empty data is legal in 2025-11-25 and means nothing here.
        else if (event.data.length > 0) this.#readMessage(this.#parse(event.data));
      }
    } catch (error) {
      const isTooLarge = error instanceof RangeError;
      this.#fail(isTooLarge ? new Refusal('upstream_too_large', detail(error.message), { cause: error }) : error);
    }
  }

  #readMessage(message: JsonObject): void {
    if (!('method' in message)) {
      this.#answer(message);
      return;
    }
    // MCP streamable HTTP § Receiving Messages: no requests on the stream of another request.
    if (typeof message.method !== 'string' || 'id' in message) throw invalid('a request on the stream');
    this.#request.onNotification(message);
  }

  #answer(message: JsonObject): void {
    if (message.id !== this.#request.id) throw invalid('an answer with another id');
    const hasResult = isObject(message.result);
    const hasError = isObject(message.error);
    if (hasResult === hasError) throw invalid('neither one result nor one error');
    if (hasResult && this.#status !== 200) throw invalid(`a result with status ${this.#status}`);
    if (hasError && !isRpcError(message.error as JsonObject)) throw invalid('an error of another shape');
    this.#settle();
    const body = (hasResult ? message.result : message.error) as JsonObject;
    this.#resolve({ kind: hasResult ? 'result' : 'error', body, status: this.#status });
    // What comes after the answer is nobody's. A server that ends its stream keeps its connection.
    if (this.#events !== undefined) {
      this.#lateTimer = setTimeout(() => this.#controller?.abort(new Error('answered')), lateEndMs).unref();
    }
  }

  #parse(bytes: Buffer): JsonObject {
    let message: Json;
    try {
      message = parseJson(bytes, answerLimits);
    } catch (error) {
      if (error instanceof JsonError) throw invalid(error.message, error);
      throw error;
    }
    if (!isObject(message) || message.jsonrpc !== '2.0') throw invalid('no JSON-RPC 2.0 message');
    return message;
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#reject(error);
    this.#controller?.abort(error instanceof Error ? error : new Error('failed'));
  }

  #settle(): void {
    this.#isSettled = true;
    this.#request.signal.removeEventListener('abort', this.#onAbort);
  }
}

/** Why an answer with this head is not read; undefined when it is. */
function refusalOfHead(
  status: number,
  type: string | undefined,
  headers: Record<string, string | string[] | undefined>,
  resultBytesMax: number,
): Refusal | undefined {
  const said = detail(`status ${status}, content type ${type?.slice(0, 80)}`);
  if (status === 401 || status === 403) return new Refusal('upstream_refused', said);
  if (status === 408 || status === 504) return new Refusal('upstream_timeout', said);
  if (status === 502 || status === 503) return new Refusal('upstream_unavailable', said);
  const isReadable = type === 'application/json' || (type === 'text/event-stream' && status === 200);
  if (!isReadable || headers['content-encoding'] !== undefined) return new Refusal('upstream_invalid', said);
  if (Number(headers['content-length'] ?? 0) > resultBytesMax) return new Refusal('upstream_too_large', said);
  return undefined;
}

function isRpcError(error: JsonObject): boolean {
  return Number.isSafeInteger(error.code) && typeof error.message === 'string';
}

function invalid(what: string, cause?: unknown): Refusal {
  return new Refusal('upstream_invalid', detail(what), { cause });
}

function detail(privateDetail: string): { privateDetail: string } {
  return { privateDetail };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The Refusal that a signal was aborted with; without one, the client went away. */
export function abortReason(signal: AbortSignal): Refusal {
  return signal.reason instanceof Refusal ? signal.reason : new Refusal('client_cancelled');
}
