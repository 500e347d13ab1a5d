import { createServer } from 'node:http';
import { Pool } from 'undici';
import { serveTarget } from './serve-target.ts';

/** The yardstick: a reverse proxy on the same HTTP client, which reads nothing and decides nothing. */
const upstream = new Pool(process.env.UPSTREAM_ORIGIN ?? '', { connections: 64 });

const server = createServer((request, response) => {
  const { host: _host, connection: _connection, ...headers } = request.headers;
  upstream
    .stream(
      { path: '/mcp', method: 'POST', headers, body: request, opaque: response },
      ({ statusCode, headers: answer }) => {
        response.writeHead(statusCode, answer as Record<string, string>);
        return response;
      },
    )
    .catch(() => {
      if (!response.headersSent) response.writeHead(502);
      response.end();
    });
});

serveTarget(server);
