import type { ApprovalRequest } from '../contract/approval.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import type { Logger } from '../shared/logger.ts';
import type { Claim } from './clients/claims.ts';
import type { NoticeReports } from './follow-workflows.ts';
import { moreWaiting, reminder, stillWaiting } from './messages/reminders.ts';
import { type PlannedMessage, type PlanSettings, planMessages } from './plan-messages.ts';
import { type PostRequestDeps, postRequest } from './post-request.ts';

export interface FollowDeps extends PostRequestDeps {
  readonly approvals: PostRequestDeps['approvals'] & Pick<ApprovalStore, 'listUnsettled'>;
  readonly logger: Logger;
  readonly claim: Claim;
  /** True while it is this replica that sends: what Slack takes in a channel counts for all of them together. */
  readonly isOurs: () => Promise<boolean>;
  /** Whether a failure says that Slack takes nothing right now. */
  readonly isSlackAway: (error: unknown) => boolean;
  /** What Slack's answer is when it is no, and will be; undefined for any other failure. */
  readonly refusalOf: (error: unknown) => string | undefined;
  /** Who has to know what became of notices. */
  readonly reports: NoticeReports;
}

export type FollowSettings = Omit<PlanSettings, 'channelOf'>;

/** Beyond that the store is asked again. */
const seenToMax = 10_000;
/** A plan is made anew after that long: questions were answered meanwhile, and somebody may ask their first. */
const planLifetimeMs = 30_000;

/**
 * Looks after open requests, one look a call: tells people of new ones, and reminds. Any number of replicas may; one of them sends at a time, and each
 * message is sent once. Channels do not wait for each other, and a request that fails does not stop the others. Rejects with Refusal
 * `approval_unavailable` when there is no list.
 */
export function createFollowRequests(
  deps: FollowDeps,
  settings: FollowSettings,
): (signal?: AbortSignal) => Promise<void> {
  /** What some replica has seen to, so that the store is not asked about it at every look. */
  const seenTo = new Set<string>();
  /** What this replica has claimed and Slack has not taken yet. */
  const unsent = new Set<string>();

  return async (signal) => {
    if (!(await deps.isOurs())) return;
    const nowMs = deps.now();
    const unsettled = await deps.approvals.listUnsettled();
    const open = unsettled.filter(({ state, expiresAtMs }) => state === 'open' && nowMs < expiresAtMs);
    for (const keys of [seenTo, unsent]) if (keys.size > seenToMax) keys.clear();
    const plan = planMessages(open, nowMs, { ...settings, channelOf: deps.channelOf });
    const untilMs = nowMs + planLifetimeMs;
    const mayGoOn = async () => signal?.aborted !== true && deps.now() < untilMs && (await deps.isOurs());
    await Promise.all([...plan].map(([channel, messages]) => sayAll(channel, messages, mayGoOn)));
  };

  /** One after the other; one that fails does not stop the others, unless it is Slack that takes none. */
  async function sayAll(
    channel: string,
    messages: readonly PlannedMessage[],
    mayGoOn: () => Promise<boolean>,
  ): Promise<void> {
    for (const message of messages) {
      try {
        if (!(await mayGoOn())) return;
        await say(channel, message);
      } catch (error) {
        deps.logger.warn({ err: error, channel }, 'a request could not be looked after');
        const refusal = deps.refusalOf(error);
        if (refusal !== undefined) for (const id of toldBy(message)) deps.reports.refused(id, refusal);
        if (deps.isSlackAway(error)) return;
      }
    }
  }

  async function say(channel: string, message: PlannedMessage): Promise<void> {
    const { remindAfterMs } = settings;
    switch (message.kind) {
      case 'card':
        await postRequest(message.request, deps);
        return;
      case 'more': {
        const line = moreWaiting(message.asker.subject, message.behind.length, deps.pageUrl(''));
        // No other line for as long as a card goes without a reminder.
        await once('more', message.name, remindAfterMs, () => deps.slack.post(channel, line));
        deps.reports.told(message.behind);
        return;
      }
      case 'reminder':
        await once('reminder', message.request.id, keptMs(message.request), () =>
          deps.slack.post(message.notice.channel, reminderOf(message.request), message.notice.message),
        );
        return;
      case 'escalation':
        await once('escalation', message.request.id, keptMs(message.request), () =>
          deps.slack.post(channel, reminderOf(message.request)),
        );
        return;
      case 'waiting': {
        const firstEndMs = Math.min(...message.overdue.map(({ expiresAtMs }) => expiresAtMs));
        const line = stillWaiting(message.overdue.length, firstEndMs, deps.pageUrl(''));
        await once('reminder', message.name, remindAfterMs, () => deps.slack.post(channel, line));
      }
    }
  }

  function reminderOf(request: ApprovalRequest) {
    return reminder(request, deps.pageUrl(request.id));
  }

  /** Sends it, once of all replicas; what Slack did not take is sent by the next look of this one. */
  async function once(
    kind: 'more' | 'reminder' | 'escalation',
    name: string,
    forMs: number,
    send: () => Promise<unknown>,
  ): Promise<void> {
    const key = `${kind} ${name}`;
    if (seenTo.has(key)) return;
    if (unsent.has(key) || (await deps.claim(kind, name, forMs))) {
      unsent.add(key);
      await send();
      unsent.delete(key);
    }
    seenTo.add(key);
  }
}

/** Questions that nobody knows of without this message. */
function toldBy(message: PlannedMessage): readonly string[] {
  if (message.kind === 'card') return [message.request.id];
  return message.kind === 'more' ? message.behind : [];
}

function keptMs({ openedAtMs, expiresAtMs }: ApprovalRequest): number {
  return expiresAtMs - openedAtMs;
}
