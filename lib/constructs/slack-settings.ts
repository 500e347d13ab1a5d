import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { ApprovalsSettings } from './service-settings.ts';
import type { SlackConnection } from './slack-connection.ts';

/** What the approvals service reads about Slack; nothing without it. */
export function slackSettings(slack: SlackConnection | undefined): Partial<ApprovalsSettings> {
  if (slack === undefined) return {};
  const { signingSecret, appToken, escalationChannels = {}, approvers = [], cardsPerAskerMax } = slack;
  return {
    SLACK_BOT_TOKEN: ecs.Secret.fromSecretsManager(slack.botToken),
    ...(signingSecret !== undefined && { SLACK_SIGNING_SECRET: ecs.Secret.fromSecretsManager(signingSecret) }),
    ...(appToken !== undefined && { SLACK_APP_TOKEN: ecs.Secret.fromSecretsManager(appToken) }),
    SLACK_CHANNELS: pairs(slack.channels),
    SLACK_ESCALATION_CHANNELS: pairs(escalationChannels),
    ...(approvers.length > 0 && {
      SLACK_APPROVERS: JSON.stringify(approvers.map(({ email, tenant, subject }) => ({ email, tenant, subject }))),
    }),
    ...(cardsPerAskerMax !== undefined && { CARDS_PER_ASKER_MAX: String(cardsPerAskerMax) }),
    ...(slack.remindAfter !== undefined && { REMIND_AFTER_MS: String(slack.remindAfter.toMilliseconds()) }),
    ...(slack.escalateAfter !== undefined && { ESCALATE_AFTER_MS: String(slack.escalateAfter.toMilliseconds()) }),
  };
}

function pairs(channels: { readonly [tenant: string]: string }): string {
  return Object.entries(channels)
    .map(([tenant, channel]) => `${tenant}=${channel}`)
    .join(',');
}
