/** How a person answers the pages of the authorization server. */
export interface SignIn {
  readonly user: string;
  /** @default allow */
  readonly choice?: 'allow' | 'deny';
  /** Runs each time a page says that it waits for another person; then it is looked at again. @default the page is not waited on */
  readonly whileWaiting?: (page: string) => Promise<void>;
}

const stepsMax = 15;

/**
 * Goes through sign-in and consent as a browser would, over HTTP with cookies, and returns the redirect to the client without following it.
 * Throws with the page's sentence when there is no redirect. For sample users only: there is nothing to type.
 */
export async function driveSignIn(
  authorizationUrl: string,
  redirectUri: string,
  { user, choice, whileWaiting }: SignIn,
): Promise<URL> {
  const cookies = new Map<string, { readonly value: string; readonly path: string }>();
  const callback = new URL(redirectUri);
  let url = new URL(authorizationUrl);
  let form: Record<string, string> | undefined;
  for (let step = 0; step < stepsMax; step += 1) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'text/html', cookie: cookieHeader(cookies, url) },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    keepCookies(cookies, response, url);
    const body = await response.text();
    const location = response.headers.get('location');
    if (location !== null) {
      url = new URL(location, url);
      form = undefined;
      if (url.origin === callback.origin && url.pathname === callback.pathname) return url;
      continue;
    }
    if (whileWaiting !== undefined && response.headers.get('refresh') !== null) {
      await whileWaiting(body);
      continue;
    }
    const prompt = /name="prompt" value="(login|consent)"/.exec(body)?.[1];
    if (
      response.status !== 200 ||
      prompt === undefined ||
      body.includes('no identity provider') ||
      form !== undefined
    ) {
      throw new Error(sentenceOf(body, response.status));
    }
    if (prompt === 'login' && !body.includes(`name="user" value="${user}"`))
      throw new Error(`There is no user "${user}".`);
    form = prompt === 'login' ? { prompt, user } : { prompt, choice: choice ?? 'allow' };
  }
  throw new Error('The sign-in goes round in circles.');
}

function cookieHeader(cookies: ReadonlyMap<string, { value: string; path: string }>, url: URL): string {
  return [...cookies]
    .filter(([, { path }]) => url.pathname.startsWith(path))
    .map(([name, { value }]) => `${name}=${value}`)
    .join('; ');
}

function keepCookies(cookies: Map<string, { value: string; path: string }>, response: Response, url: URL): void {
  for (const line of response.headers.getSetCookie()) {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const name = pair.slice(0, pair.indexOf('='));
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice('path='.length) ?? url.pathname;
    const value = pair.slice(pair.indexOf('=') + 1);
    if (value === '') cookies.delete(name);
    else cookies.set(name, { value, path });
  }
}

function sentenceOf(page: string, status: number): string {
  const text = (pattern: RegExp) =>
    pattern
      .exec(page)?.[1]
      ?.replace(/<[^>]*>/g, '')
      .trim();
  return text(/<\/h1>\s*<p[^>]*>(.*?)<\/p>/s) ?? `The authorization server answered ${status}.`;
}
