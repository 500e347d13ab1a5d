import { createHmac } from 'node:crypto';

/** A request as Slack sends it. */
export interface SignedInteraction {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Slack, "Handling user interaction": a form with one field. */
export function formOf(payload: object): string {
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
}

/**
 * Slack, "Verifying requests from Slack": `v0:timestamp:body`, HMAC-SHA256, hex. `timestampS` is in seconds since the epoch.
 */
export function signInteraction(
  body: string,
  { secret, timestampS }: { readonly secret: string; readonly timestampS: number },
  version = 'v0',
): SignedInteraction {
  const hmac = createHmac('sha256', secret).update(`${version}:${timestampS}:${body}`).digest('hex');
  return {
    body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
      'x-slack-request-timestamp': String(timestampS),
      'x-slack-signature': `${version}=${hmac}`,
    },
  };
}
