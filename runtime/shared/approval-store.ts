import { randomBytes, randomUUID } from 'node:crypto';
import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type {
  ApprovalDecision,
  ApprovalNotice,
  ApprovalQuestion,
  ApprovalRequest,
  ClosedRequest,
} from '../contract/approval.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Grant } from '../contract/receipts.ts';
import { grantTable } from '../contract/tables.ts';
import { createApprovalIndex } from './approval-index.ts';
import {
  type AskedItem,
  argumentsKey,
  askedKey,
  asOf,
  fromArgumentsItem,
  fromAskedItem,
  fromRequestItem,
  grantOf,
  type Item,
  requestKey,
  toAskedItem,
} from './approval-items.ts';
import { createApprovalNotices } from './approval-notices.ts';
import { createApprovalOutcomes } from './approval-outcomes.ts';
import { countQuestion } from './count-question.ts';
import { type DynamoDBClient, ifConditionHolds, orRefuse } from './dynamo.ts';
import { findClosedRequests } from './find-closed-requests.ts';
import { createGrantStore } from './grant-store.ts';
import { Refusal } from './refusal.ts';
import { createWriteRequest, type RecordRequest } from './write-request.ts';

/**
 * Questions to people, and their answers, in DynamoDB. Every change is one conditional write; whoever comes late is told what stands. What
 * takes two writes is finished by whoever comes next. Every method throws Refusal `approval_unavailable` when the store gives no answer.
 */
export interface ApprovalStore {
  /**
   * The request that stands for this very call, and a new one when none does. It stands while it is open, while its yes can be
   * used (`approved`: look for the grant again), and for a while after a no (`denied`). Throws Refusal `quota_exceeded` when the asker
   * has opened `questionsPerHourMax` in this hour; one that stands is found all the same. A new one is given to `record` before it is stored, so
   * that nobody can answer what is not on record; when that fails, or the process dies, so is it to whoever asks next. Throws what `record` throws.
   */
  open(question: ApprovalQuestion, nowMs: number, record?: RecordRequest): Promise<ApprovalRequest>;
  /** As it is at `nowMs`: an open request whose time is over is `expired`. Undefined for an id that was never given. */
  find(id: string, nowMs: number): Promise<ApprovalRequest | undefined>;
  /** All that people may see of the arguments of a request; undefined when only their beginning is kept any more. */
  wholeArguments(request: ApprovalRequest): Promise<JsonObject | undefined>;
  /** Those of `requests` that are no longer open, as they are at `nowMs`; one that is not there any more is `expired`. */
  listClosed(requests: readonly ApprovalRequest[], nowMs: number): Promise<readonly ApprovalRequest[]>;
  /** A tenant's open requests, the oldest first; one that was opened a moment ago may still be missing. */
  listOpen(tenant: string, nowMs: number): Promise<readonly ApprovalRequest[]>;
  /**
   * Of all tenants, what still needs somebody, as it is stored: open requests, those whose time is over too, and closed ones whose outcome
   * was not told yet.
   */
  listUnsettled(): Promise<readonly ApprovalRequest[]>;
  /**
   * Answers an open request; a yes is stored as a grant before this resolves. `callId` is that of the answer on record. Undefined for an
   * unknown id.
   */
  decide(id: string, decision: ApprovalDecision, nowMs: number, callId?: string): Promise<ClosedRequest | undefined>;
  /** Notes that the outcome of a closed request is on record. */
  noteRecorded(id: string): Promise<void>;
  /** Notes that everybody is told of the outcome of a closed request. Does nothing while somebody takes its yes back. */
  settle(id: string): Promise<void>;
  /** Stores the grant of an approved request, if nobody did; undefined when there is none to have any more. */
  completeGrant(request: ApprovalRequest, nowMs: number): Promise<Grant | undefined>;
  /** Notes that the time of an open request is over; one whose time is not over stays as it is. */
  expire(id: string, nowMs: number): Promise<ClosedRequest | undefined>;
  /** The asker takes an open request back. */
  withdraw(id: string, nowMs: number, callId?: string): Promise<ClosedRequest | undefined>;
  /** Takes a yes back; false when it was used before, or was none. */
  revoke(id: string, nowMs: number): Promise<boolean>;
  /** True for one process at a time: it tells people of this open request. The next one may after a minute without a notice. */
  claimNotice(id: string, nowMs: number): Promise<boolean>;
  /** Notes where people were told. */
  setNotice(id: string, notice: ApprovalNotice): Promise<void>;
}

export interface ApprovalStoreOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  /** How long people have to answer. @default 24 hours */
  readonly waitMs?: number;
  /** How long after a no the same call does not ask again. @default 15 minutes */
  readonly denialStandsMs?: number;
  /** New questions of one asker, a tenant's subject, in an hour of the clock. @default as many as they like */
  readonly questionsPerHourMax?: number;
  /** For one command, all its attempts included. @default 1000 */
  readonly deadlineMs?: number;
  /** Told of what stands in the list of requests and is none, by its key. @default nobody is */
  readonly onUnreadable?: (key: string) => void;
}

/** Askers of one call meet at one item; who loses reads what the winner wrote. */
const openAttemptsMax = 5;

export function createApprovalStore(options: ApprovalStoreOptions): ApprovalStore {
  const { client, tablePrefix, waitMs = 86_400_000, denialStandsMs = 15 * 60_000, deadlineMs = 1000 } = options;
  const { questionsPerHourMax: perHourMax } = options;
  const TableName = `${tablePrefix}${grantTable.name}`;
  const grants = createGrantStore({ client, tablePrefix, deadlineMs });
  const deadline = () => ({ abortSignal: AbortSignal.timeout(deadlineMs) });
  const index = createApprovalIndex({ client, TableName, deadline, onUnreadable: options.onUnreadable });
  const notices = createApprovalNotices({ client, TableName, deadline });
  const outcomes = createApprovalOutcomes({ client, TableName, deadline });
  const answered = <T>(work: () => Promise<T>) => orRefuse('approval_unavailable', work);
  const writeRequest = createWriteRequest({ client, TableName, deadline });

  async function get(Key: Item): Promise<Item | undefined> {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }), deadline());
    return Item;
  }

  async function read(id: string): Promise<ApprovalRequest | undefined> {
    const item = await get(requestKey(id));
    return item === undefined ? undefined : fromRequestItem(item);
  }

  /** The request that stands for a call, if `asked` leads to one. */
  async function standing(question: ApprovalQuestion, asked: AskedItem, nowMs: number, record: RecordRequest) {
    let request = await read(asked.requestId);
    while (request === undefined) {
      // Whoever claimed the call did not get to writing the request. Not after its time: then it was written, and deleted as too old.
      if (nowMs >= asked.expiresAtMs) return undefined;
      await writeRequest(question, asked, record);
      request = await read(asked.requestId);
    }
    const { state, closedAtMs = 0 } = asOf(request, nowMs);
    if (state === 'open') return request;
    if (state === 'denied') return nowMs < closedAtMs + denialStandsMs ? request : undefined;
    if (state !== 'approved') return undefined;
    const grant = await completeGrant(request, nowMs);
    return grant !== undefined && (await isUsable(grant, nowMs)) ? request : undefined;
  }

  async function isUsable(grant: Grant, nowMs: number): Promise<boolean> {
    const { calls } = grant;
    const found = await (calls === undefined ? grants.find(grant, nowMs) : grants.findWindow(grant, calls, nowMs));
    return found !== undefined;
  }

  function claimCall(question: ApprovalQuestion, next: AskedItem, previous: AskedItem | undefined) {
    const write = new PutItemCommand({
      TableName,
      Item: toAskedItem(question, next),
      ...(previous === undefined
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : {
            ConditionExpression: 'requestId = :previous',
            ExpressionAttributeValues: marshall({ ':previous': previous.requestId }),
          }),
    });
    return ifConditionHolds(client.send(write, deadline()));
  }

  async function close(id: string, to: Closing, nowMs: number, callId: string = randomUUID()) {
    const { verdict, approver, reason, via, scope } = to.decision ?? {};
    const fields = { state: to.state, closedAtMs: nowMs, closedBy: callId, verdict, approver, reason, via, scope };
    const set = Object.entries(fields).filter(([, value]) => value !== undefined);
    await ifConditionHolds(
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: requestKey(id),
          UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}`,
          ConditionExpression: `#state = :open AND expiresAtMs ${to.state === 'expired' ? '<=' : '>'} :now`,
          ExpressionAttributeNames: Object.fromEntries(set.map(([name]) => [`#${name}`, name])),
          ExpressionAttributeValues: marshall({
            ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
            ':open': 'open',
            ':now': nowMs,
          }),
        }),
        deadline(),
      ),
    );
    const item = await get(requestKey(id));
    if (item === undefined) return undefined;
    const request = fromRequestItem(item);
    // The same write tried again after a lost answer finds its own call id.
    const isYours = request.closedCallId === callId;
    return { request, isYours, grant: await completeGrant(request, nowMs) };
  }

  async function completeGrant(request: ApprovalRequest, nowMs: number): Promise<Grant | undefined> {
    const derived = grantOf(request);
    if (derived === undefined) return undefined;
    if (nowMs >= derived.expiresAtMs) return undefined;
    await grants.putOnce(derived);
    return derived;
  }

  return {
    open: (question, nowMs, record = async () => {}) =>
      answered(async () => {
        const { callId } = question;
        for (let attempt = 0; attempt < openAttemptsMax; attempt += 1) {
          const item = await get(askedKey(question));
          const asked = item === undefined ? undefined : fromAskedItem(item);
          const found = asked && (await standing(question, asked, nowMs, record));
          if (found !== undefined) return found;
          if (perHourMax !== undefined) {
            // Before the claim: a claimed call is written by whoever comes next. Who loses the claim may count twice, never too little.
            await countQuestion(question, nowMs, { client, TableName, deadline, perHourMax });
          }
          const requestId = randomBytes(16).toString('base64url');
          // Whoever wins or loses: the next round reads what stands.
          await claimCall(question, { requestId, callId, openedAtMs: nowMs, expiresAtMs: nowMs + waitMs }, asked);
        }
        throw new Refusal('approval_unavailable', { privateDetail: 'others ask for the same call all the time' });
      }),

    find: (id, nowMs) =>
      answered(async () => {
        const request = await read(id);
        return request && asOf(request, nowMs);
      }),

    wholeArguments: ({ id, arguments: given, isAbridged }) =>
      answered(async () => {
        if (isAbridged !== true) return given;
        const item = await get(argumentsKey(id));
        return item && fromArgumentsItem(item);
      }),

    listClosed: (requests, nowMs) =>
      answered(async () => {
        const overdue = (request: ApprovalRequest) => request.expiresAtMs <= nowMs;
        const closed = await findClosedRequests(requests, { client, TableName, deadline });
        const standing = await Promise.all(
          requests
            .filter((request) => closed.has(request.id) || overdue(request))
            .map(async (request) => asOf((await read(request.id)) ?? { ...request, state: 'expired' }, nowMs)),
        );
        // One that was opened a moment ago may be missing from the first look.
        return standing.filter(({ state }) => state !== 'open');
      }),

    listOpen: (tenant, nowMs) =>
      answered(async () => {
        const found = await index.listOf(tenant);
        return found.filter((request) => asOf(request, nowMs).state === 'open');
      }),

    listUnsettled: () => answered(() => index.list()),

    decide: (id, decision, nowMs, callId) =>
      answered(() =>
        close(id, { state: decision.verdict === 'approve' ? 'approved' : 'denied', decision }, nowMs, callId),
      ),
    noteRecorded: (id) => answered(() => outcomes.noteRecorded(id)),
    settle: (id) => answered(() => outcomes.settle(id)),
    completeGrant: (request, nowMs) => answered(() => completeGrant(request, nowMs)),
    expire: (id, nowMs) => answered(() => close(id, { state: 'expired' }, nowMs)),
    withdraw: (id, nowMs, callId) => answered(() => close(id, { state: 'withdrawn' }, nowMs, callId)),

    revoke: (id, nowMs) =>
      answered(async () => {
        const request = await read(id);
        // Stored first, or whoever completes it later would give it again.
        const grant = request && (await completeGrant(request, nowMs));
        return grant !== undefined && (await grants.revoke(grant, nowMs));
      }),

    claimNotice: (id, nowMs) => answered(() => notices.claim(id, nowMs)),
    setNotice: (id, notice) => answered(() => notices.set(id, notice)),
  };
}

interface Closing {
  readonly state: 'approved' | 'denied' | 'expired' | 'withdrawn';
  readonly decision?: ApprovalDecision;
}
