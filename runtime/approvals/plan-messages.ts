import type { ApprovalNotice, ApprovalRequest } from '../contract/approval.ts';

/** One message to be sent to one channel. */
export type PlannedMessage =
  | { readonly kind: 'card'; readonly request: ApprovalRequest }
  /** In place of the cards of one asker's further questions, whose ids are in `behind`. */
  | {
      readonly kind: 'more';
      readonly name: string;
      readonly asker: ApprovalRequest;
      readonly behind: readonly string[];
    }
  /** In the thread of the card. */
  | { readonly kind: 'reminder'; readonly request: ApprovalRequest; readonly notice: ApprovalNotice }
  | { readonly kind: 'escalation'; readonly request: ApprovalRequest }
  /** In place of many reminders or escalations. */
  | { readonly kind: 'waiting'; readonly name: string; readonly overdue: readonly ApprovalRequest[] };

export interface PlanSettings {
  /** Open cards of one asker; further questions wait, and one line says how many. */
  readonly cardsPerAskerMax: number;
  /** How long a question stays unanswered before its thread says so once, milliseconds. */
  readonly remindAfterMs: number;
  /** And before it is taken further, milliseconds. */
  readonly escalateAfterMs: number;
  /** Channel whose members approve for a tenant, by its id; undefined: they answer on the page only. */
  readonly channelOf: (tenant: string) => string | undefined;
  /** Where unanswered questions of a tenant are taken, by the id of the channel; undefined: nowhere. */
  readonly escalationChannelOf: (tenant: string) => string | undefined;
}

/** So many overdue questions of a channel are named one by one; more are one line. */
export const namedMax = 10;

/**
 * What there is to say about open requests, by channel, in the order in which it is said: first what is overdue, which is few lines; then
 * everybody's first card before anybody's second, and of those the oldest first. What was said before is in it again.
 */
export function planMessages(
  open: readonly ApprovalRequest[],
  nowMs: number,
  settings: PlanSettings,
): ReadonlyMap<string, readonly PlannedMessage[]> {
  const plan = new Map<string, PlannedMessage[]>();
  const add = (channel: string, messages: readonly PlannedMessage[]) => {
    const planned = plan.get(channel) ?? [];
    planned.push(...messages);
    plan.set(channel, planned);
  };
  const { channelOf, escalationChannelOf, remindAfterMs, escalateAfterMs } = settings;
  const window = Math.floor(nowMs / remindAfterMs);
  const oldest = open.toSorted((a, b) => a.openedAtMs - b.openedAtMs);
  const waited = (ms: number) => oldest.filter(({ openedAtMs }) => nowMs - openedAtMs >= ms);

  for (const [channel, overdue] of byChannel(waited(escalateAfterMs), escalationChannelOf)) {
    const one = (request: ApprovalRequest) => ({ kind: 'escalation', request }) as const;
    const name = JSON.stringify(['escalations', channel, window]);
    add(channel, overdue.length > namedMax ? [{ kind: 'waiting', name, overdue }] : overdue.map(one));
  }
  for (const [channel, overdue] of byChannel(waited(remindAfterMs), channelOf)) {
    const name = JSON.stringify(['reminders', channel, window]);
    add(channel, overdue.length > namedMax ? [{ kind: 'waiting', name, overdue }] : overdue.flatMap(reminderOf));
  }
  for (const [channel, asked] of byChannel(oldest, channelOf)) add(channel, cardsOf(asked, window, settings));
  return plan;
}

const noIds: readonly string[] = [];

function reminderOf(request: ApprovalRequest): readonly PlannedMessage[] {
  const { notice } = request;
  return notice === undefined ? [] : [{ kind: 'reminder', request, notice }];
}

/** Cards and lines of one channel; `rank` is the how manyth of its asker one is. */
function cardsOf(
  asked: readonly ApprovalRequest[],
  window: number,
  { cardsPerAskerMax }: PlanSettings,
): readonly PlannedMessage[] {
  const ranked = [...Map.groupBy(asked, askerOf).values()].flatMap((own) => {
    const untold = own.filter(({ notice }) => notice === undefined);
    const told = own.length - untold.length;
    const slots = Math.max(0, cardsPerAskerMax - told);
    const cards = untold.slice(0, slots).map((request, n) => ({ request, rank: told + n, behind: noIds }));
    const behind = untold.slice(slots).map(({ id }) => id);
    return [...cards, ...untold.slice(slots, slots + 1).map((request) => ({ request, rank: told + slots, behind }))];
  });
  ranked.sort((a, b) => a.rank - b.rank || a.request.openedAtMs - b.request.openedAtMs);
  return ranked.map(({ request, behind }) =>
    behind.length === 0
      ? { kind: 'card', request }
      : { kind: 'more', name: JSON.stringify([askerOf(request), window]), asker: request, behind },
  );
}

function byChannel(
  requests: readonly ApprovalRequest[],
  channelOf: (tenant: string) => string | undefined,
): readonly (readonly [channel: string, requests: readonly ApprovalRequest[]])[] {
  return [...Map.groupBy(requests, ({ tenant }) => channelOf(tenant))].flatMap(([channel, own]) =>
    channel === undefined ? [] : [[channel, own] as const],
  );
}

function askerOf({ tenant, subject }: ApprovalRequest): string {
  return JSON.stringify([tenant, subject]);
}
