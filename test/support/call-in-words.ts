/** An answer as it stands on the wire. */
export interface WireAnswer {
  readonly status: number;
  /** `WWW-Authenticate`. */
  readonly challenge: string | null;
  readonly text: string;
}

/**
 * A tools/call of a client that says no protocol version: it is told in words what to do, at once. A store that is too slow on a busy machine says
 * so; the call is sent again.
 */
export async function callInWords(...call: Parameters<typeof send>): Promise<WireAnswer> {
  let answer = await send(...call);
  for (let again = 0; again < 5 && answer.status === 503; again += 1) answer = await send(...call);
  return answer;
}

async function send(
  endpoint: string,
  token: string,
  name: string,
  args: Readonly<Record<string, unknown>>,
): Promise<WireAnswer> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    text: await response.text(),
  };
}
