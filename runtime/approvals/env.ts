import { isRecord } from '../contract/policy-values.ts';
import { auditEnv } from '../shared/audit/audit-env.ts';
import { policyEnv } from '../shared/policy-source/policy-env.ts';
import { type EnvOf, integer, type OptionalEnvVariable, text, url } from '../shared/read-env.ts';
import type { KnownApprover } from './clients/approver-directory.ts';

/** Every variable of the approvals service. Units are in the names and sentences; nothing else is read anywhere. */
export const approvalsEnv = {
  HOST: text('address to listen on', '0.0.0.0'),
  PORT: integer('port to listen on; 0 takes a free one', { min: 0, max: 65_535 }, 8080),
  PUBLIC_URL: url('public URL under which /approvals stands, as people open it'),
  AUTHORIZATION_ISSUER: url(
    'our authorization server, where people sign in to the page; it has PUBLIC_URL as its APPROVALS_URL. Empty: no page',
    '',
  ),
  APPROVALS_COOKIE_KEY: text(
    'key that seals the cookies of the page: 32 bytes in base64, or 43 letters and digits, the same for every replica',
    '',
  ),
  SLACK_BOT_TOKEN: optional(
    'bot token with chat:write, users:read and users:read.email; unset: no Slack',
    /^xoxb-\S+$/,
  ),
  SLACK_SIGNING_SECRET: optional('what Slack signs with, for messages that come over HTTP', /^[0-9a-f]{32,64}$/),
  SLACK_APP_TOKEN: optional(
    'app token with connections:write: Slack then comes over a socket that this service opens',
    /^xapp-\S+$/,
  ),
  SLACK_CHANNELS: channels(
    'channels whose members approve, by tenant: acme=C0123456789,globex=C9876543210; * stands for every other tenant, which then see each other',
  ),
  SLACK_ESCALATION_CHANNELS: channels('channels for what nobody answers, in the same form'),
  SLACK_APPROVERS: approvers(
    'who the people in Slack are, by the confirmed address of their profile: [{"email":"…","tenant":"…","subject":"…"}]; whoever is listed is an approver of that tenant',
  ),
  SLACK_API_URL: url("base URL of Slack's methods, only for a double", 'https://slack.com/api'),
  APPROVAL_WORKFLOW_ARN: text('state machine whose tasks are answered when somebody decides; empty: none', ''),
  APPROVALS_POLL_MS: integer('how often open requests are looked at, milliseconds', { min: 50, max: 60_000 }, 2000),
  CARDS_PER_ASKER_MAX: integer('open cards of one asker; further ones wait behind one line', { min: 1, max: 100 }, 5),
  REMIND_AFTER_MS: integer(
    'how long a card waits for an answer before its thread says so, milliseconds',
    { min: 1000, max: 604_800_000 },
    1_800_000,
  ),
  ESCALATE_AFTER_MS: integer(
    'and before SLACK_ESCALATION_CHANNELS are told, milliseconds',
    { min: 1000, max: 604_800_000 },
    7_200_000,
  ),
  ...policyEnv,
  TABLE_PREFIX: text('what stands before the table names'),
  AWS_REGION: text('region of DynamoDB, S3, SSM and Step Functions', 'us-east-1'),
  DYNAMODB_ENDPOINT: text('endpoint of an embedded DynamoDB; empty for the AWS one', ''),
  ...auditEnv,
  AUDIT_WRITER: text('name of this writer in the record; one per replica of AUDIT_DIR', 'approvals'),
  DRAIN_TIMEOUT_MS: integer('for answers under way after SIGTERM, milliseconds', { min: 0, max: 600_000 }, 20_000),
  LOG_LEVEL: text('how much is logged: fatal, error, warn, info, debug or silent', 'info'),
} as const;

export type ApprovalsEnv = EnvOf<typeof approvalsEnv>;

/** What the variables of the page contradict each other in, in a sentence; a rule for `readEnv`. */
export function pageProblem(source: Readonly<Record<string, string | undefined>>): string | undefined {
  const { PUBLIC_URL = '', AUTHORIZATION_ISSUER: issuer = '', APPROVALS_COOKIE_KEY: key = '' } = source;
  if ((issuer === '') !== (key === '')) {
    return 'AUTHORIZATION_ISSUER and APPROVALS_COOKIE_KEY belong together: set both, or none and there is no page.';
  }
  if (issuer === '') return undefined;
  const isLoopback = (url: string) => /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(url);
  const isSafe = (url: string) => url.startsWith('https://') || isLoopback(url);
  if (!isSafe(PUBLIC_URL) || !isSafe(issuer)) {
    return `PUBLIC_URL and AUTHORIZATION_ISSUER must be https, or http on this machine; got ${PUBLIC_URL} and ${issuer}.`;
  }
  return URL.parse(PUBLIC_URL)?.pathname === '/' ? undefined : `PUBLIC_URL must have no path, got ${PUBLIC_URL}.`;
}

/** What the Slack variables contradict each other in, in a sentence; a rule for `readEnv`. */
export function slackProblem(source: Readonly<Record<string, string | undefined>>): string | undefined {
  const isSet = (name: keyof ApprovalsEnv) => (source[name] ?? '') !== '';
  const said = (['SLACK_SIGNING_SECRET', 'SLACK_APP_TOKEN', 'SLACK_CHANNELS'] as const).filter(isSet);
  if (!isSet('SLACK_BOT_TOKEN')) {
    return said.length === 0 ? undefined : `${said.join(', ')} without SLACK_BOT_TOKEN: set all of Slack, or none.`;
  }
  if (!isSet('SLACK_CHANNELS')) return 'SLACK_BOT_TOKEN without SLACK_CHANNELS: say in which channel people approve.';
  if (isSet('SLACK_SIGNING_SECRET') === isSet('SLACK_APP_TOKEN')) {
    return 'SLACK_BOT_TOKEN needs one of SLACK_SIGNING_SECRET (Slack calls this service) and SLACK_APP_TOKEN (this service opens a socket).';
  }
  return undefined;
}

function optional(what: string, pattern: RegExp): OptionalEnvVariable<string | undefined> {
  return {
    what,
    fallback: undefined,
    parse(value) {
      // Never the value: most of these are secrets.
      if (!pattern.test(value)) throw new Error(`expected ${pattern.source}`);
      return value;
    },
  };
}

function channels(what: string): OptionalEnvVariable<ReadonlyMap<string, string>> {
  return {
    what,
    fallback: new Map(),
    parse(value) {
      const pairs = value.split(',').map((pair) => pair.trim().split('='));
      const found = new Map<string, string>();
      for (const [tenant = '', channel = '', ...more] of pairs) {
        const isPair = /^(\*|[a-z0-9][a-z0-9-]{0,62})$/.test(tenant) && /^[CG][A-Z0-9]{1,30}$/.test(channel);
        if (!isPair || more.length > 0) throw new Error(`expected tenant=C0123456789, got ${tenant}=${channel}`);
        if (found.has(tenant)) throw new Error(`${tenant} is listed twice: a tenant has one channel`);
        found.set(tenant, channel);
      }
      return found;
    },
  };
}

function approvers(what: string): OptionalEnvVariable<ReadonlyMap<string, KnownApprover>> {
  return {
    what,
    fallback: new Map(),
    parse(value) {
      const list: unknown = JSON.parse(value);
      if (!Array.isArray(list)) throw new Error('expected a JSON list');
      const found = new Map<string, KnownApprover>();
      for (const each of list as readonly unknown[]) {
        const { email, tenant, subject, ...others } = isRecord(each) ? each : {};
        const isWhole =
          isText(email) && email.includes('@') && isText(tenant) && isText(subject) && Object.keys(others).length === 0;
        if (!isWhole) throw new Error(`expected email, tenant and subject, got ${JSON.stringify(each)}`);
        const address = email.trim().toLowerCase();
        if (found.has(address)) throw new Error(`${address} is listed twice: one address is one account`);
        found.set(address, { tenant, subject, roles: ['approver'] });
      }
      return found;
    },
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
