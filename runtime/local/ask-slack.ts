import type { SlackSettings } from './slack-settings.ts';
import { StartError } from './start-error.ts';

/** The workspace that the tokens are of. */
export interface ConnectedWorkspace {
  readonly team: string;
  readonly teamId: string;
}

const timeoutMs = 10_000;
const botScopes = ['chat:write', 'users:read', 'users:read.email'];
const otherwise = 'or unset the SLACK_ variables for the channel on this machine';

/**
 * Asks Slack about both tokens before anything starts, because a service that cannot reach Slack goes on without a word on the screen. Throws
 * {@link StartError} with one sentence, without a token in it.
 */
export async function askSlack(settings: SlackSettings): Promise<ConnectedWorkspace> {
  const { SLACK_BOT_TOKEN: bot = '', SLACK_APP_TOKEN: app = '' } = settings;
  const apiUrl = (settings.SLACK_API_URL ?? 'https://slack.com/api').replace(/\/$/, '');
  const { answer, scopes } = await call(`${apiUrl}/auth.test`, bot, 'SLACK_BOT_TOKEN');
  const missing = scopes === undefined ? [] : botScopes.filter((scope) => !scopes.includes(scope));
  if (missing.length > 0) {
    throw new StartError(
      `The app of SLACK_BOT_TOKEN lacks the scope ${missing.join(', ')}: add it below "OAuth & Permissions", install the app again, ${otherwise}.`,
    );
  }
  await call(`${apiUrl}/apps.connections.open`, app, 'SLACK_APP_TOKEN');
  return { team: String(answer.team ?? answer.team_id), teamId: String(answer.team_id) };
}

async function call(url: string, token: string, variable: string) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-www-form-urlencoded' };
  let answer: Readonly<Record<string, unknown>>;
  let scopes: string | null;
  try {
    const response = await fetch(url, { method: 'POST', headers, signal: AbortSignal.timeout(timeoutMs) });
    scopes = response.headers.get('x-oauth-scopes');
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    const { host } = new URL(url);
    throw new StartError(`Slack gives no answer at ${host}: look at the network, ${otherwise}.`, { cause });
  }
  if (answer.ok !== true) {
    const word = /^[a-z0-9_]{1,60}$/.exec(String(answer.error))?.[0] ?? 'an unknown error';
    throw new StartError(
      `Slack does not take ${variable} (${word}): copy it anew from your app's settings, ${otherwise}.`,
    );
  }
  return { answer, scopes: scopes?.split(',').map((scope) => scope.trim()) };
}
