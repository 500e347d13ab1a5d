import type { ApprovalRequest } from '../contract/approval.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import type { Logger } from '../shared/logger.ts';
import type { Claim } from './clients/claims.ts';
import { moreWaiting, reminder } from './messages/reminders.ts';
import { type PostRequestDeps, postRequest } from './post-request.ts';

export interface FollowDeps extends PostRequestDeps {
  readonly approvals: PostRequestDeps['approvals'] & Pick<ApprovalStore, 'listUnsettled'>;
  readonly logger: Logger;
  readonly claim: Claim;
}

export interface FollowSettings {
  /** Open cards of one asker; further questions wait, and one line says how many. */
  readonly cardsPerAskerMax: number;
  /** How long a question stays unanswered before its thread says so once. */
  readonly remindAfterMs: number;
  /** And before it is taken further. */
  readonly escalateAfterMs: number;
  /** Where that is for a tenant, by the id of the channel; undefined: nowhere. */
  readonly escalationChannelOf: (tenant: string) => string | undefined;
}

/** Beyond that the store is asked again. */
const seenToMax = 10_000;

/**
 * Looks after open requests, one look a call: tells people of new ones, and reminds. Any number of replicas may; each message is sent by one. A
 * request that fails does not stop the others. Rejects with Refusal `approval_unavailable` when there is no list.
 */
export function createFollowRequests(
  deps: FollowDeps,
  settings: FollowSettings,
): (signal?: AbortSignal) => Promise<void> {
  /** What some replica has seen to, so that the store is not asked about it at every look. */
  const seenTo = new Set<string>();
  let ending: AbortSignal | undefined;

  return async (signal) => {
    ending = signal;
    const unsettled = await deps.approvals.listUnsettled();
    const open = unsettled.filter(({ state, expiresAtMs }) => state === 'open' && deps.now() < expiresAtMs);
    if (seenTo.size > seenToMax) seenTo.clear();
    const asked = Map.groupBy(open, asker);
    await each([...asked.values()], tellOf);
  };

  /** What one asker has open, the oldest first. */
  async function tellOf(requests: readonly ApprovalRequest[]): Promise<void> {
    const told = requests.filter(({ notice }) => notice !== undefined);
    const untold = requests.filter(({ notice }) => notice === undefined).sort((a, b) => a.openedAtMs - b.openedAtMs);
    const slots = Math.max(0, settings.cardsPerAskerMax - told.length);
    await each(untold.slice(0, slots), (request) => postRequest(request, deps));
    await each(untold.slice(slots, slots + 1), (first) => tellOfMore(first, untold.length - slots));
    await each(told, remind);
  }

  /** One line for all that wait behind the cards, and no other one for as long as a card goes without a reminder. */
  async function tellOfMore({ tenant, subject }: ApprovalRequest, count: number): Promise<void> {
    const { remindAfterMs } = settings;
    const channel = deps.channelOf(tenant);
    const window = Math.floor(deps.now() / remindAfterMs);
    if (channel === undefined || !(await isFirst('more', JSON.stringify([tenant, subject, window]), remindAfterMs)))
      return;
    await deps.slack.post(channel, moreWaiting(subject, count, deps.pageUrl('')));
  }

  async function remind(request: ApprovalRequest): Promise<void> {
    const { id, tenant, notice, openedAtMs, expiresAtMs } = request;
    if (notice === undefined) return;
    const { remindAfterMs, escalateAfterMs } = settings;
    const escalationChannel = settings.escalationChannelOf(tenant);
    const keptMs = expiresAtMs - openedAtMs;
    const waitedMs = deps.now() - openedAtMs;
    const message = () => reminder(request, deps.pageUrl(id));
    if (waitedMs >= remindAfterMs && (await isFirst('reminder', id, keptMs))) {
      await deps.slack.post(notice.channel, message(), notice.message);
    }
    if (escalationChannel === undefined || waitedMs < escalateAfterMs) return;
    if (await isFirst('escalation', id, keptMs)) await deps.slack.post(escalationChannel, message());
  }

  /** True once of all replicas. */
  async function isFirst(kind: 'more' | 'reminder' | 'escalation', name: string, keptMs: number): Promise<boolean> {
    const key = `${kind} ${name}`;
    if (seenTo.has(key)) return false;
    const isOurs = await deps.claim(kind, name, keptMs);
    seenTo.add(key);
    return isOurs;
  }

  /** One after the other; one that fails does not stop the others. */
  async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
    for (const item of items) {
      if (ending?.aborted === true) return;
      await work(item).catch((error: unknown) =>
        deps.logger.warn({ err: error }, 'a request could not be looked after'),
      );
    }
  }
}

function asker({ tenant, subject }: ApprovalRequest): string {
  return JSON.stringify([tenant, subject]);
}
