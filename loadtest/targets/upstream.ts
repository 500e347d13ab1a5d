import { createServer } from 'node:http';
import { serveTarget } from './serve-target.ts';

/** The trivial tool server of the benchmark: one fixed answer of about 300 bytes, with the caller's id. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { id } = JSON.parse(Buffer.concat(chunks).toString()) as { id: number };
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id,
      result: {
        resultType: 'complete',
        content: [{ type: 'text', text: '{"sum":3,"unit":"pieces"}' }],
        structuredContent: { sum: 3, unit: 'pieces', note: 'The quick brown fox jumps over the lazy dog.' },
      },
    });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
});

serveTarget(server);
