import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ministack } from './ministack.ts';

/**
 * The emulator behind a proxy that makes up for two gaps in its `DeleteStack`: it knows stacks by their name only, where the CDK says their
 * ARN, and it answers before the stack is in deletion, so that the CDK takes the old state for the outcome.
 */
export async function withDeleteByName(emulator: Ministack): Promise<Ministack> {
  const target = new URL(emulator.endpoint);
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const sent = Buffer.concat(chunks);
      const form = new URLSearchParams(sent.toString('utf8'));
      const isDelete = form.get('Action') === 'DeleteStack';
      if (isDelete) form.set('StackName', form.get('StackName')?.split('/')[1] ?? '');
      const body = isDelete ? Buffer.from(form.toString()) : sent;
      const headers = { ...incoming.headers, 'content-length': String(body.length) };
      const to = { host: target.hostname, port: target.port, method: incoming.method, path: incoming.url, headers };
      const outgoing = request(to, (answer) => {
        void delay(isDelete ? 500 : 0).then(() => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        });
      });
      outgoing.on('error', () => response.destroy());
      outgoing.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...emulator,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
