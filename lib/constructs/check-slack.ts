import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { checkWhole, type DurationRange, durationMs, isLiteral, requireProps, shown } from './check-props.ts';
import type { SlackApprover, SlackConnection } from './slack-connection.ts';
import { synthError } from './synth-error.ts';

const tenantName = /^(\*|[a-z0-9][a-z0-9-]{0,62})$/;
const channelId = /^[CG][A-Z0-9]{1,30}$/;
const text = /\S/;

/** A task definition has 64 KiB for everything. Amazon ECS Developer Guide, "Service quotas". */
const approversBytesMax = 32_768;
const range: DurationRange = { minMs: 1000, maxMs: 604_800_000, stepMs: 1, allowed: '1 second to 7 days' };

/** Throws a sentence for what no service could start with, or would be passed over in silence. */
export function checkSlack(scope: IConstruct, slack: SlackConnection): void {
  requireProps(scope, slack ?? {}, ['botToken', 'channels'], 'slack.');
  const { signingSecret, appToken, channels, escalationChannels = {}, approvers = [], cardsPerAskerMax } = slack;
  checkSecrets(scope, { botToken: slack.botToken, signingSecret, appToken });
  if ((signingSecret === undefined) === (appToken === undefined)) {
    throw synthError(
      scope,
      `slack has ${signingSecret === undefined ? 'neither signingSecret nor appToken' : 'signingSecret and appToken'}: give signingSecret when Slack sends its messages to us, or appToken when we open a socket to Slack`,
    );
  }
  checkChannels(scope, 'slack.channels', channels);
  if (Object.keys(channels).length === 0) {
    throw synthError(
      scope,
      'slack.channels is empty: say in which channel people approve, e.g. { acme: "C0123456789" }',
    );
  }
  checkChannels(scope, 'slack.escalationChannels', escalationChannels);
  const unasked = Object.keys(escalationChannels).find((tenant) => !isAsked(channels, tenant));
  if (unasked !== undefined) {
    throw synthError(
      scope,
      `slack.escalationChannels has ${shown(unasked)}, whose questions no channel is told of: add it to slack.channels, or take it out`,
    );
  }
  checkApprovers(scope, approvers, channels);
  if (cardsPerAskerMax !== undefined) checkWhole(scope, 'slack.cardsPerAskerMax', cardsPerAskerMax, 1, 100);
  const { remindAfter = cdk.Duration.minutes(30), escalateAfter = cdk.Duration.hours(2) } = slack;
  const remindMs = durationMs(scope, 'slack.remindAfter', remindAfter, range);
  const escalateMs = durationMs(scope, 'slack.escalateAfter', escalateAfter, range);
  if (Object.keys(escalationChannels).length > 0 && escalateMs <= remindMs) {
    throw synthError(
      scope,
      `slack.escalateAfter is ${escalateMs / 1000} seconds and slack.remindAfter ${remindMs / 1000}: remind those who were asked before others are`,
    );
  }
  if (slack.escalateAfter !== undefined && Object.keys(escalationChannels).length === 0) {
    throw synthError(scope, 'slack.escalateAfter is given, but no escalationChannels: give them too, or leave it away');
  }
}

/**
 * Whether a text looks like what Slack gave, a token or a signing secret, and not like the name of where that is kept.
 * Slack, "Tokens", "Token rotation" and "Verifying requests from Slack".
 */
export function isSlackSecret(given: string): boolean {
  return /^\s*(xox[a-z][-.]|xapp-|[0-9a-f]{32}\s*$)/i.test(given);
}

/** Plain JavaScript may give the text itself, and anybody may give it for the name; it would then be in the template. The sentence never shows it. */
function checkSecrets(scope: IConstruct, secrets: object): void {
  for (const [name, secret] of Object.entries(secrets)) {
    if (secret === undefined) continue;
    if (typeof secret?.grantRead !== 'function') {
      throw synthError(
        scope,
        `slack.${name} is no secret of Secrets Manager but ${secret === null ? 'null' : `a ${typeof secret}`}: give e.g. secretsmanager.Secret.fromSecretNameV2(this, 'Slack', 'toolgate/slack'), whose whole text it is`,
      );
    }
    if (isSlackSecret(secret.secretName)) {
      throw synthError(
        scope,
        `slack.${name} is named by what looks like a secret of Slack: give the name of a secret in Secrets Manager, not the secret itself`,
      );
    }
  }
}

function checkChannels(scope: IConstruct, prop: string, channels: { readonly [tenant: string]: string }): void {
  for (const [tenant, channel] of Object.entries(channels)) {
    if (!isLiteral(tenant, tenantName)) {
      throw synthError(
        scope,
        `${prop} has the tenant ${shown(tenant)}: give its name in lower-case letters, digits and hyphens, or * for all others`,
      );
    }
    if (!isLiteral(channel, channelId)) {
      throw synthError(
        scope,
        `${prop}.${tenant} is ${shown(channel)}: give the id of a channel, as "About" of the channel in Slack shows it, e.g. "C0123456789"`,
      );
    }
  }
}

function checkApprovers(
  scope: IConstruct,
  approvers: readonly SlackApprover[],
  channels: { readonly [tenant: string]: string },
): void {
  const seen = new Set<string>();
  for (const [index, approver] of approvers.entries()) {
    const prop = `slack.approvers[${index}]`;
    requireProps(scope, { [prop]: approver }, [prop]);
    const { email, tenant, subject } = approver;
    if (!isLiteral(email, /^\s*\S+@\S+\s*$/)) {
      throw synthError(scope, `${prop}.email is ${shown(email)}: give the address of a Slack profile`);
    }
    if (!isLiteral(subject, text)) {
      throw synthError(scope, `${prop}.subject is ${shown(subject)}: give the sub that this person's tokens have`);
    }
    if (!isLiteral(tenant, tenantName) || tenant === '*' || !isAsked(channels, tenant)) {
      throw synthError(
        scope,
        `${prop}.tenant is ${shown(tenant)}: give one whose questions go to a channel of slack.channels, which has ${Object.keys(channels).join(', ')}`,
      );
    }
    const address = email.trim().toLowerCase();
    if (seen.has(address)) {
      throw synthError(scope, `slack.approvers has ${address} twice: one address is one account, so take one out`);
    }
    seen.add(address);
  }
  const bytes = Buffer.byteLength(JSON.stringify(approvers));
  if (bytes <= approversBytesMax) return;
  throw synthError(
    scope,
    `slack.approvers has ${approvers.length} people in ${bytes} bytes: a task definition has room for ${approversBytesMax}, so list those who do not sign in to the approvals page`,
  );
}

function isAsked(channels: { readonly [tenant: string]: string }, tenant: string): boolean {
  return tenant === '*' || Object.hasOwn(channels, tenant) || Object.hasOwn(channels, '*');
}
