import { approvalsEnv } from '../approvals/env.ts';
import { readEnv } from '../shared/read-env.ts';
import { StartError } from './start-error.ts';

/** What `npm start` hands to the approvals service of the environment that it was started in. */
export type SlackSettings = Readonly<Record<string, string>>;

/** All of these, or the channel of this machine. */
const needed = ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_CHANNELS', 'SLACK_APPROVERS'] as const;
const more = [
  'SLACK_ESCALATION_CHANNELS',
  'SLACK_API_URL',
  'CARDS_PER_ASKER_MAX',
  'REMIND_AFTER_MS',
  'ESCALATE_AFTER_MS',
] as const;
const known = [...needed, ...more];

/**
 * The workspace that the environment names, or undefined where it names none. Throws {@link StartError} with one sentence that shows no value, for a set
 * that is not whole or that contradicts itself.
 */
export function readSlackSettings(source: Readonly<Record<string, string | undefined>>): SlackSettings | undefined {
  const isSet = (name: string) => (source[name] ?? '') !== '';
  const named = [...needed, 'SLACK_SIGNING_SECRET', 'SLACK_ESCALATION_CHANNELS', 'SLACK_API_URL'].filter(isSet);
  if (named.length === 0) return undefined;
  if (isSet('SLACK_SIGNING_SECRET')) {
    throw new StartError(
      'SLACK_SIGNING_SECRET is for a service that Slack can call, and nobody calls this machine: set SLACK_APP_TOKEN (xapp-…, socket mode) instead, and unset it.',
    );
  }
  const missing = needed.filter((name) => !isSet(name));
  if (missing.length > 0) {
    throw new StartError(
      `${list(named)} ${named.length === 1 ? 'is' : 'are'} set, and ${list(missing)} ${missing.length === 1 ? 'is' : 'are'} missing: set all of ${list(needed)} for your own Slack, or unset them for the channel on this machine (docs/slack.md).`,
    );
  }
  const settings = Object.fromEntries(known.filter(isSet).map((name) => [name, source[name] as string]));
  try {
    readEnv(Object.fromEntries(known.map((name) => [name, approvalsEnv[name]])), settings);
  } catch (cause) {
    throw new StartError((cause as Error).message, { cause });
  }
  return settings;
}

function list(names: readonly string[]): string {
  return new Intl.ListFormat('en').format(names);
}
