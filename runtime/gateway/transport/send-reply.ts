import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../../contract/json.ts';
import type { JsonRpcId } from '../../contract/tool-call.ts';
import type { Outlet, RecordedReply } from '../safe-reply.ts';
import type { WireAnswer } from './wire-errors.ts';

/** Bytes that may wait for a client that reads slowly. Beyond it the stream is ended: its memory is everybody's. */
const waitingBytesMax = 4 * 1024 * 1024;

/** Where one message's answer goes: one JSON object, or an event stream once something came before the answer. */
export interface ReplyWriter extends Outlet {
  readonly isStreaming: () => boolean;
  sendReply(id: JsonRpcId, reply: RecordedReply): void;
  /** The answer of a refusal; `message` is its JSON-RPC form for a stream that has begun. */
  sendRefusal(answer: WireAnswer, message: JsonObject): void;
}

export function createReplyWriter(response: ServerResponse, callId: string, isDraining: () => boolean): ReplyWriter {
  let isStreaming = false;
  const write = (text: string) => {
    if (response.destroyed || response.writableEnded) return;
    if (!isStreaming) {
      isStreaming = true;
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        'x-call-id': callId,
      });
    }
    response.write(text);
    if (response.writableLength > waitingBytesMax) response.destroy();
  };
  const sendWhole = (status: number, headers: Record<string, string>, body: string | undefined) => {
    if (response.destroyed || response.headersSent) return;
    headers['x-call-id'] = callId;
    headers['content-length'] = String(body === undefined ? 0 : Buffer.byteLength(body));
    if (isDraining()) headers.connection = 'close';
    response.writeHead(status, headers);
    response.end(body);
  };
  return {
    isStreaming: () => isStreaming,
    notify: (method, params) => write(event(JSON.stringify({ jsonrpc: '2.0', method, params }))),
    keepAlive: () => write(': keep-alive\n\n'),
    sendReply(id, reply) {
      const body = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"${reply.kind}":${reply.text}}`;
      if (isStreaming) {
        write(event(body));
        response.end();
        return;
      }
      const headers = { ...reply.headers, 'content-type': 'application/json', 'cache-control': 'no-store' };
      sendWhole(reply.status, headers, body);
    },
    sendRefusal(answer, message) {
      if (isStreaming) {
        write(event(JSON.stringify(message)));
        response.end();
      } else sendWhole(answer.status, answer.headers, answer.body);
    },
  };
}

/** JSON has no raw line ends, so one data line holds it. */
function event(data: string): string {
  return `event: message\ndata: ${data}\n\n`;
}
