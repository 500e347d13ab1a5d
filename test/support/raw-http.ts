import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends bytes as they are and reads until the other side closes, at most `timeoutMs`. For what no HTTP client would send. */
export async function sendRaw(port: number, bytes: string | readonly string[], timeoutMs = 5000): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  for (const part of typeof bytes === 'string' ? [bytes] : bytes) socket.write(part);
  const closed = once(socket, 'close');
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  await closed;
  clearTimeout(timer);
  return text;
}
