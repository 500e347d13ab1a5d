import { createHash } from 'node:crypto';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Socket mode as Slack does it: a hello, then envelopes, each acknowledged by its id. RFC 6455, as far as that needs. */
export interface SlackSocket {
  /** Sends one payload in an envelope to whoever connected last; resolves with the acknowledgement. */
  send(payload: object): Promise<{ readonly envelope_id: string; readonly payload?: unknown }>;
  readonly isOpen: () => boolean;
  /** Connects, answers pings, and says nothing else: neither hello nor goodbye. @default false */
  isMute: boolean;
  /** As Slack does every few hours: asks whoever connected last to come again. */
  disconnect(): void;
  close(): void;
}

export function attachSlackSocket(server: Server): SlackSocket {
  const sockets = new Set<Duplex>();
  const waiting = new Map<string, (ack: { envelope_id: string }) => void>();
  let current: Duplex | undefined;
  let sequence = 0;

  server.on('upgrade', (request, socket: Duplex) => {
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    sockets.add(socket);
    current = socket;
    socket.on('close', () => {
      sockets.delete(socket);
      if (current === socket) current = undefined;
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    let held = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (let frame = readFrame(held); frame !== undefined; frame = readFrame(held)) {
        held = held.subarray(frame.bytes);
        if (frame.opcode === 8 && !double.isMute) socket.end(writeFrame(8, frame.data));
        if (frame.opcode === 9) socket.write(writeFrame(10, frame.data));
        if (frame.opcode === 1) acknowledge(frame.data.toString());
      }
    });
    if (!double.isMute) socket.write(writeFrame(1, Buffer.from(JSON.stringify({ type: 'hello', num_connections: 1 }))));
  });

  function acknowledge(text: string): void {
    const ack = JSON.parse(text) as { envelope_id: string };
    waiting.get(ack.envelope_id)?.(ack);
    waiting.delete(ack.envelope_id);
  }

  const double: SlackSocket = {
    isMute: false,
    send(payload) {
      const envelope_id = `envelope-${++sequence}`;
      const envelope = { envelope_id, type: 'interactive', accepts_response_payload: true, payload };
      if (current === undefined) throw new Error('nobody is connected');
      current.write(writeFrame(1, Buffer.from(JSON.stringify(envelope))));
      return new Promise((resolve) => waiting.set(envelope_id, resolve));
    },
    isOpen: () => current !== undefined,
    disconnect() {
      current?.write(writeFrame(1, Buffer.from(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' }))));
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
  return double;
}

function writeFrame(opcode: number, data: Buffer): Buffer {
  if (data.length < 126) return Buffer.concat([Buffer.from([0x80 | opcode, data.length]), data]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(data.length);
  return Buffer.concat([Buffer.from([0x80 | opcode, 126]), length, data]);
}

function readFrame(
  bytes: Buffer,
): { readonly opcode: number; readonly data: Buffer; readonly bytes: number } | undefined {
  if (bytes.length < 6) return undefined;
  const [first = 0, second = 0] = bytes;
  const isLong = (second & 0x7f) === 126;
  const length = isLong ? bytes.readUInt16BE(2) : second & 0x7f;
  const start = isLong ? 8 : 6;
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const data = Buffer.from(bytes.subarray(start, start + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return { opcode: first & 0x0f, data, bytes: start + length };
}
