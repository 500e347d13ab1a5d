import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { sampleUsers } from '../../runtime/authorization/sample-users.ts';
import { askEmulator } from './ask-emulator.ts';
import type { Ministack } from './ministack.ts';

/** Password of every person in the emulator's pool. */
export const poolPassword = 'Correct-horse-9-battery';

/** What a person types: the pool knows people by their e-mail address. */
export function emailOf(name: string): string {
  return `${name}@example.com`;
}

/** The deployed user pool of the emulator, under the host name that its tokens name as their issuer. */
export interface EmulatedPool {
  /** Local port of `cognito-idp.{region}.amazonaws.com:443`. */
  readonly port: number;
  /** `sub` of each person in the pool, by name. */
  readonly subjects: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

/** Puts the sample users into the pool, and serves it over TLS: the emulator speaks HTTP only, and says so in its metadata. */
export async function openEmulatedPool(
  emulator: Ministack,
  issuer: string,
  certificate: { readonly key: string; readonly cert: string },
): Promise<EmulatedPool> {
  const UserPoolId = issuer.split('/').at(-1) ?? '';
  const ask = (operation: string, input: object) =>
    askEmulator(emulator, 'cognito-idp', `AWSCognitoIdentityProviderService.${operation}`, { UserPoolId, ...input });
  const subjects = new Map<string, string>();
  for (const { name, tenant, roles } of sampleUsers) {
    const made = await ask('AdminCreateUser', {
      Username: emailOf(name),
      UserAttributes: [
        { Name: 'email', Value: emailOf(name) },
        { Name: 'email_verified', Value: 'true' },
        { Name: 'custom:tenant', Value: tenant },
      ],
    });
    const { Username, Attributes = [] } = made.User as {
      Username: string;
      Attributes?: { Name: string; Value: string }[];
    };
    subjects.set(name, Attributes.find(({ Name }) => Name === 'sub')?.Value ?? name);
    await ask('AdminSetUserPassword', { Username, Password: poolPassword, Permanent: true });
    for (const GroupName of roles) await ask('AdminAddUserToGroup', { Username, GroupName });
  }
  const target = new URL(emulator.endpoint);
  const host = new URL(issuer).host;
  const server = createServer({ key: certificate.key, cert: certificate.cert }, (incoming, response) => {
    const outgoing = request(
      {
        host: target.hostname,
        port: target.port,
        method: incoming.method,
        path: incoming.url,
        headers: { ...incoming.headers, host },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const { 'content-length': _length, 'transfer-encoding': _coding, ...headers } = answer.headers;
          response.writeHead(answer.statusCode ?? 502, headers);
          response.end(Buffer.concat(chunks).toString('utf8').replaceAll(`http://${host}`, `https://${host}`));
        });
      },
    );
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    subjects,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
