import { randomBytes } from 'node:crypto';
import type { PageSignIn } from '../../approvals/page-sign-in.ts';
import type { MorePages } from '../../approvals/serve-pages.ts';
import type { SampleUser } from '../../authorization/sample-users.ts';
import { createChannelPages } from './serve-channel.ts';
import { serveWebApi } from './serve-web-api.ts';
import { createSlackWorkspace, sampleTeamId } from './workspace.ts';

/** Slack for a laptop: a workspace of the sample users, with a channel for each tenant. */
export interface SlackChannel {
  /** What the approvals service is told, as of any other workspace. */
  readonly env: Readonly<
    Record<'SLACK_BOT_TOKEN' | 'SLACK_SIGNING_SECRET' | 'SLACK_CHANNELS' | 'SLACK_API_URL', string>
  >;
  readonly pages: (signIn: PageSignIn) => MorePages;
  close(): Promise<void>;
}

/** Opens it with secrets of its own, which nothing else knows and no restart outlives. */
export async function openSlackChannel(options: {
  readonly users: readonly SampleUser[];
  /** Where the approvals service answers. */
  readonly approvalsUrl: string;
  /** @default that of the runtime */
  readonly fetch?: typeof globalThis.fetch;
}): Promise<SlackChannel> {
  const { users, approvalsUrl, fetch = globalThis.fetch } = options;
  const now = Date.now;
  const token = `xoxb-${randomBytes(24).toString('hex')}`;
  const signingSecret = randomBytes(16).toString('hex');
  const tenants = [...new Set(users.map(({ tenant }) => tenant))];
  const workspace = createSlackWorkspace({
    channels: new Map(tenants.map((tenant) => [channelId(tenant), `approvals-${tenant}`])),
    users: users.map(({ name, displayName, email }) => ({
      id: `U0${inCapitals(name)}`,
      team_id: sampleTeamId,
      name,
      real_name: displayName,
      is_email_confirmed: email !== undefined,
      profile: email === undefined ? {} : { email },
    })),
    now,
  });
  const api = await serveWebApi(workspace, { token });
  return {
    env: {
      SLACK_BOT_TOKEN: token,
      SLACK_SIGNING_SECRET: signingSecret,
      SLACK_CHANNELS: tenants.map((tenant) => `${tenant}=${channelId(tenant)}`).join(','),
      SLACK_API_URL: api.apiUrl,
    },
    pages: (signIn) =>
      createChannelPages({
        workspace,
        channelOf: (tenant) => (tenants.includes(tenant) ? channelId(tenant) : undefined),
        signIn,
        signingSecret,
        interactionsUrl: `${approvalsUrl}/slack/interactions`,
        fetch,
        now,
      }),
    close: () => api.close(),
  };
}

function channelId(tenant: string): string {
  return `C0${inCapitals(tenant)}`;
}

/** Ids of Slack are capitals and digits. */
function inCapitals(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}
