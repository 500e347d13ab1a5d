import { openBrowser } from './browser.ts';

const stepsMax = 6;

/**
 * Goes through the sign-in pages of the emulator's user pool and the consent page of the authorization server as a browser would, and returns
 * the redirect to the client without following it. Throws with the text of a page that it does not know.
 * @param whileWaiting runs each time a page says that it waits for another person; then it is looked at again. @default the page is not known
 */
export async function signInAtPool(
  authorizationUrl: string,
  redirectUri: string,
  user: string,
  password: string,
  whileWaiting?: (page: string) => Promise<void>,
): Promise<URL> {
  const browser = openBrowser();
  let visit = await browser.follow(authorizationUrl, redirectUri);
  for (let step = 0; step < stepsMax; step += 1) {
    if (visit.next?.startsWith(redirectUri)) return new URL(visit.next);
    if (whileWaiting !== undefined && visit.headers.has('refresh')) {
      await whileWaiting(visit.text);
      visit = await browser.follow(visit.url, redirectUri);
      continue;
    }
    const form = formOf(visit.text);
    if (form === undefined) break;
    if ('username' in form.fields) Object.assign(form.fields, { username: user, password });
    else form.fields = { prompt: 'consent', choice: 'allow' };
    const sent = await browser.go(new URL(form.action, visit.url).href, form.fields);
    if (sent.next === undefined) {
      visit = sent;
      break;
    }
    visit = sent.next.startsWith(redirectUri) ? sent : await browser.follow(sent.next, redirectUri);
  }
  throw new Error(`the sign-in of ${user} ended at ${visit.url} with ${visit.status}: ${textOf(visit.text)}`);
}

/** The form that signs in or consents, with its fields as they are. */
function formOf(page: string): { action: string; fields: Record<string, string> } | undefined {
  if (!/name="(username|prompt)"/.test(page)) return undefined;
  const action = /<form[^>]*action="([^"]*)"/i.exec(page)?.[1] ?? '';
  const fields = [...page.matchAll(/<input[^>]*>/gi)].flatMap(([input]) => {
    const name = /name="([^"]*)"/.exec(input)?.[1];
    return name === undefined ? [] : [[name, plain(/value="([^"]*)"/.exec(input)?.[1] ?? '')] as const];
  });
  return { action, fields: Object.fromEntries(fields) };
}

function plain(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#x27;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function textOf(page: string): string {
  return page
    .replace(/<style>.*?<\/style>|<[^>]*>/gs, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 400);
}
