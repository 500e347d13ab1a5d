import type * as cdk from 'aws-cdk-lib';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';

/** An app in a Slack workspace, and who is asked where. See `docs/slack.md` for how the app is made. */
export interface SlackConnection {
  /** Bot token (`xoxb-…`) with `chat:write`, `users:read` and `users:read.email`: the whole text of the secret. */
  readonly botToken: secretsmanager.ISecret;
  /**
   * What Slack signs its messages with, when it sends them to `{gatewayUrl}/slack/interactions`: the whole text of the secret.
   *
   * @default - none; one of `signingSecret` and `appToken` is required
   */
  readonly signingSecret?: secretsmanager.ISecret;
  /**
   * App token (`xapp-…`) with `connections:write`, for socket mode: the service opens the connection, so an edge that nobody reaches from the
   * Internet is no hindrance. The whole text of the secret.
   *
   * @default - none; one of `signingSecret` and `appToken` is required
   */
  readonly appToken?: secretsmanager.ISecret;
  /** Id of the channel whose members approve, by tenant: `{ acme: 'C0123456789' }`. `*` is every other tenant; those then see each other's questions. */
  readonly channels: { [tenant: string]: string };
  /**
   * Where questions go that nobody answered in time, by tenant as in `channels`.
   *
   * @default - none
   */
  readonly escalationChannels?: { [tenant: string]: string };
  /**
   * Who the people in Slack are. Whoever signed in to the approvals page within 12 hours with an address that the organisation has confirmed is known
   * without being listed.
   *
   * @default - none
   */
  readonly approvers?: SlackApprover[];
  /**
   * Open cards of one asker; further questions wait behind one line.
   *
   * @default 5
   */
  readonly cardsPerAskerMax?: number;
  /**
   * How long a card waits before its thread says so.
   *
   * @default Duration.minutes(30)
   */
  readonly remindAfter?: cdk.Duration;
  /**
   * How long a card waits before `escalationChannels` are told.
   *
   * @default Duration.hours(2)
   */
  readonly escalateAfter?: cdk.Duration;
}

/** Who an address in Slack is. Listed is approver. */
export interface SlackApprover {
  /** The confirmed address of the Slack profile. */
  readonly email: string;
  /** The tenant whose questions this person answers. */
  readonly tenant: string;
  /** The `sub` that this person's tokens have, or a call of one's own cannot be told from another's. */
  readonly subject: string;
}
