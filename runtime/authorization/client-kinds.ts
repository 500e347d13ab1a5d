import { isLoopbackIssuer } from './env.ts';

/**
 * What a client is follows from its id, and no client can choose an id of another kind: `agent`s are registered by an operator, `registered`
 * ones registered themselves (RFC 7591), `document` ones are the URL of their metadata document, `command-line` is ours, on a laptop only, and
 * `approvals` is the page where people answer questions.
 */
export type ClientKind = 'agent' | 'registered' | 'document' | 'command-line' | 'approvals' | 'unknown';

export const commandLineClientId = 'toolgate-command-line';
export const approvalsClientId = 'toolgate-approvals';
export const agentIdPrefix = 'agent-';
export const registeredIdPrefix = 'dyn-';

export function clientKindOf(clientId: string): ClientKind {
  if (clientId === commandLineClientId) return 'command-line';
  if (clientId === approvalsClientId) return 'approvals';
  if (clientId.startsWith(agentIdPrefix)) return 'agent';
  if (clientId.startsWith(registeredIdPrefix)) return 'registered';
  return clientId.startsWith('https://') ? 'document' : 'unknown';
}

/** The sentence that says why this metadata is refused, or undefined. Checked whenever a client is registered, fetched or loaded. */
export function clientProblem(metadata: Readonly<Record<string, unknown>>): string | undefined {
  const { client_id: id, client_name: name, redirect_uris: uris, grant_types: grants } = metadata;
  const isAgent = typeof id === 'string' && clientKindOf(id) === 'agent';
  if (Array.isArray(grants) && grants.includes('client_credentials') !== isAgent) {
    return isAgent
      ? 'grant_types of an agent must be client_credentials'
      : 'grant_types must not include client_credentials: agents are registered by an operator';
  }
  if (typeof name === 'string' && name.length > 100) return 'client_name must have at most 100 characters';
  if (!Array.isArray(uris)) return undefined;
  if (uris.length > 20) return 'redirect_uris must have at most 20 members';
  const wrong = uris.find((uri) => typeof uri !== 'string' || uri.length > 1024 || !isRedirectUri(uri));
  return wrong === undefined ? undefined : 'redirect_uris must be https, or http on a loopback address';
}

function isRedirectUri(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || isLoopbackUri(text);
}

/** True for an http URI that a program on the user's own machine listens on. */
export function isLoopbackUri(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === 'http:' && isLoopbackIssuer(url.origin);
}

/** RFC 8252 § 7.3: the port of a loopback redirect URI is chosen when the program starts, so it is not compared. */
export function isSameRedirectUri(registered: string, sent: string): boolean {
  if (registered === sent) return true;
  if (!isLoopbackUri(registered) || !isLoopbackUri(sent)) return false;
  const [one, other] = [new URL(registered), new URL(sent)];
  one.port = '';
  other.port = '';
  return one.href === other.href && !sent.includes('#');
}
