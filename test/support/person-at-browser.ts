import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import type { SignInDrive } from '../../runtime/local/obtain-token.ts';

/** What both SDKs ask of a client that signs people in: where answers go, what is remembered, and who opens the browser. */
export interface PersonAtBrowser {
  readonly redirectUrl: string;
  readonly clientMetadata: {
    readonly client_name: string;
    readonly redirect_uris: string[];
    readonly grant_types: string[];
    readonly response_types: string[];
    readonly token_endpoint_auth_method: string;
  };
  state(): string;
  // biome-ignore lint/suspicious/noExplicitAny: each SDK has its own type for the same RFC 7591 document.
  clientInformation(): any;
  saveClientInformation(information: unknown): void;
  // biome-ignore lint/suspicious/noExplicitAny: each SDK has its own type for the same RFC 6749 answer.
  tokens(): any;
  saveTokens(tokens: unknown): void;
  redirectToAuthorization(url: URL): Promise<void>;
  saveCodeVerifier(verifier: string): void;
  codeVerifier(): string;
  // biome-ignore lint/suspicious/noExplicitAny: each SDK has its own type; it keeps the issuer that the answer must come from.
  discoveryState(): any;
  saveDiscoveryState(state: unknown): void;
  /** What the authorization server sent back; throws when nobody was sent there. */
  answer(): URLSearchParams;
  /** Every authorization URL that was opened, in order. */
  readonly opened: readonly URL[];
}

/** A user who signs in and consents wherever the client sends the browser. The scope can be narrowed, as a careful client would. */
export function personAtBrowser(
  user: string,
  narrowScope?: string,
  signIn: SignInDrive = (url, redirectUrl) => driveSignIn(url, redirectUrl, { user }),
): PersonAtBrowser {
  const redirectUrl = 'http://127.0.0.1/callback';
  const opened: URL[] = [];
  let information: unknown;
  let tokens: unknown;
  let verifier = '';
  let discovered: unknown;
  let answer: URLSearchParams | undefined;
  return {
    redirectUrl,
    clientMetadata: {
      client_name: 'End-to-end test',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state: () => 'state-of-the-test',
    clientInformation: () => information,
    saveClientInformation: (saved) => {
      information = saved;
    },
    tokens: () => tokens,
    saveTokens: (saved) => {
      tokens = saved;
    },
    redirectToAuthorization: async (url) => {
      const visited = new URL(url);
      if (narrowScope !== undefined) visited.searchParams.set('scope', narrowScope);
      opened.push(visited);
      answer = (await signIn(visited.href, redirectUrl, user)).searchParams;
    },
    saveCodeVerifier: (saved) => {
      verifier = saved;
    },
    codeVerifier: () => verifier,
    discoveryState: () => discovered,
    saveDiscoveryState: (saved) => {
      discovered = saved;
    },
    answer: () => {
      if (answer === undefined) throw new Error('nobody was sent to the authorization server');
      if (answer.get('state') !== 'state-of-the-test') throw new Error('the answer has another state');
      return answer;
    },
    opened,
  };
}
