import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import type { PersonAtBrowser } from './person-at-browser.ts';
import { answerOf, type RealClient } from './real-clients.ts';

/** SDK v2 as it comes: when it is challenged for a scope it sends its person for it by itself. */
export interface SteppingUpClient extends Pick<RealClient, 'close'> {
  /** Rejects with `UnauthorizedError` when it was challenged and its person is back. */
  callTool: RealClient['callTool'];
  /** Takes the token that its person came back with from the last challenge. */
  finishSteppingUp(): Promise<void>;
}

/** Is turned away once, signs in, and connects. `fetch` is for a gateway whose name nobody resolves. */
export async function connectSteppingUp(
  url: string,
  person: PersonAtBrowser,
  fetch?: (url: string | URL, init?: RequestInit) => Promise<Response>,
): Promise<SteppingUpClient> {
  const transport = () =>
    new StreamableHTTPClientTransport(new URL(url), { authProvider: person, ...(fetch !== undefined && { fetch }) });
  const newClient = () => new Client({ name: 'step-up', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const signedOut = transport();
  try {
    await newClient().connect(signedOut);
    throw new Error('the gateway let a client in without a token');
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
  }
  await signedOut.finishAuth(person.answer());
  const through = transport();
  const client = newClient();
  await client.connect(through);
  return {
    callTool: (name, args) => answerOf(() => client.callTool({ name, arguments: args })),
    finishSteppingUp: () => through.finishAuth(person.answer()),
    close: () => client.close(),
  };
}
