import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { StartError } from './start-error.ts';

/**
 * The three public ports: the gateway's and, next to it, the authorization server's and the approvals page's. With 0 all are free ones of the
 * system's choice.
 * Throws {@link StartError} when one is taken.
 */
export async function findPorts(port: number): Promise<{ gateway: number; issuer: number; approvals: number }> {
  if (port !== 0) {
    for (const wanted of [port, port + 1, port + 2]) await probePort(wanted);
    return { gateway: port, issuer: port + 1, approvals: port + 2 };
  }
  return { gateway: await probePort(0), issuer: await probePort(0), approvals: await probePort(0) };
}

async function probePort(port: number): Promise<number> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? 'is taken, by another program or by a Toolgate that runs already'
        : code === 'EACCES'
          ? 'needs more rights than you have'
          : `cannot be used (${code})`;
    throw new StartError(`Port ${port} ${why}: choose another with npm start -- --port N (N, N+1 and N+2 are used).`, {
      cause,
    });
  } finally {
    server.close();
  }
}
