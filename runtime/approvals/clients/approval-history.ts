import { GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ApprovalRequest } from '../../contract/approval.ts';
import type { JsonObject } from '../../contract/json.ts';
import { grantTable } from '../../contract/tables.ts';
import { argumentsKey, fromArgumentsItem } from '../../shared/approval-items.ts';
import { type DynamoDBClient, ifConditionHolds, orRefuse } from '../../shared/dynamo.ts';
import { keyHash } from '../../shared/key-hash.ts';
import { type ClosedQuestion, type Precedents, precedentDays, precedentsOf } from '../messages/precedents.ts';
import { argumentsInBrief } from '../messages/show-arguments.ts';

/** How questions ended, for 30 days. Every method throws Refusal `approval_unavailable` when the store gives no answer. */
export interface ApprovalHistory {
  /** Notes a closed request, the same however often it is called. Does nothing for an open one. */
  note(request: ApprovalRequest): Promise<void>;
  /** Notes that the yes of a request was taken back. */
  noteTakenBack(request: ApprovalRequest): Promise<void>;
  /** What people said to the same asker about the same tool, through the same client, before `request` was closed. Of the last yes all arguments. */
  before(request: ApprovalRequest, nowMs: number): Promise<Precedents>;
  /** The last closed ones of a tenant, or of one asker in it; the latest first. */
  list(
    whose: { readonly tenant: string; readonly subject?: string },
    nowMs: number,
  ): Promise<readonly ClosedQuestion[]>;
}

export interface ApprovalHistoryOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  /** For one command, all its attempts included. @default 1000 */
  readonly deadlineMs?: number;
  /** How many earlier answers are counted. @default 100 */
  readonly precedentsMax?: number;
  /** How many are listed. @default 20 */
  readonly listedMax?: number;
}

const keptMs = precedentDays * 86_400_000;
/** Longer arguments are not kept a second time: they are read where the request has them, for as long as it does. */
const argumentsLengthMax = 32_768;

export function createApprovalHistory(options: ApprovalHistoryOptions): ApprovalHistory {
  const { client, tablePrefix, deadlineMs = 1000, precedentsMax = 100, listedMax = 20 } = options;
  const TableName = `${tablePrefix}${grantTable.name}`;
  const deadline = () => ({ abortSignal: AbortSignal.timeout(deadlineMs) });

  /** A yes that was taken back stays so, whoever notes it once more. */
  async function put(pk: string, closed: ClosedQuestion, tenant: string): Promise<void> {
    const { closedAtMs, id, arguments: shown, ...rest } = closed;
    const text = shown === undefined ? undefined : JSON.stringify(shown);
    const write = new PutItemCommand({
      TableName,
      Item: marshall(
        {
          pk,
          sk: `${sortTime(closedAtMs)}#${id}`,
          id,
          tenant,
          closedAtMs,
          ...rest,
          ...(text !== undefined && text.length <= argumentsLengthMax && { arguments: text }),
          expires_at: Math.ceil((closedAtMs + keptMs) / 1000),
        },
        { removeUndefinedValues: true },
      ),
      ...(!closed.isTakenBack && { ConditionExpression: 'attribute_not_exists(pk)' }),
    });
    await ifConditionHolds(client.send(write, deadline()));
  }

  /** The latest first; one answer of DynamoDB, which is at most a megabyte. */
  async function read(pk: string, tenant: string, fromMs: number, beforeMs: number, max: number) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :before',
        ExpressionAttributeValues: marshall({ ':pk': pk, ':from': sortTime(fromMs), ':before': sortTime(beforeMs) }),
        ScanIndexForward: false,
        Limit: max,
      }),
      deadline(),
    );
    const stored = Items.map((item) => unmarshall(item)).filter((item) => item.tenant === tenant);
    return { closed: stored.map(toClosed), isMore: LastEvaluatedKey !== undefined };
  }

  async function withArguments(closed: ClosedQuestion | undefined): Promise<ClosedQuestion | undefined> {
    if (closed === undefined || closed.arguments !== undefined) return closed;
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: argumentsKey(closed.id) }), deadline());
    return Item === undefined ? closed : { ...closed, arguments: fromArgumentsItem(Item) };
  }

  async function note(request: ApprovalRequest, isTakenBack: boolean): Promise<void> {
    const closed = closedQuestion(request, isTakenBack);
    if (closed === undefined) return;
    const { tenant } = request;
    const brief = { ...closed, arguments: undefined };
    await Promise.all([
      put(tenantPartition(tenant), brief, tenant),
      put(askerPartition(request), brief, tenant),
      put(toolPartition(request), closed, tenant),
    ]);
  }

  return {
    note: (request) => orRefuse('approval_unavailable', () => note(request, false)),
    noteTakenBack: (request) => orRefuse('approval_unavailable', () => note(request, true)),

    before: (request, nowMs) =>
      orRefuse('approval_unavailable', async () => {
        const untilMs = request.closedAtMs ?? nowMs;
        const { closed, isMore } = await read(
          toolPartition(request),
          request.tenant,
          untilMs - keptMs,
          untilMs,
          precedentsMax,
        );
        const precedents = precedentsOf(closed, isMore);
        return { ...precedents, lastApproved: await withArguments(precedents.lastApproved) };
      }),

    list: ({ tenant, subject }, nowMs) =>
      orRefuse('approval_unavailable', async () => {
        const pk = subject === undefined ? tenantPartition(tenant) : askerPartition({ tenant, subject });
        return (await read(pk, tenant, nowMs - keptMs, nowMs + 1, listedMax)).closed;
      }),
  };
}

function tenantPartition(tenant: string): string {
  return `history#${keyHash(tenant)}`;
}

function askerPartition({ tenant, subject }: Pick<ApprovalRequest, 'tenant' | 'subject'>): string {
  return `history#${keyHash(tenant, subject)}`;
}

function toolPartition({ tenant, subject, clientId, server, tool }: ApprovalRequest): string {
  return `history#${keyHash(tenant, subject, clientId, server, tool)}`;
}

/** Sorts as the times do. */
function sortTime(timeMs: number): string {
  return new Date(Math.max(0, timeMs)).toISOString();
}

function closedQuestion(request: ApprovalRequest, isTakenBack: boolean): ClosedQuestion | undefined {
  const { id, state, closedAtMs, decision, words, subject, server, tool, argumentsSha256 } = request;
  if (state === 'open' || closedAtMs === undefined) return undefined;
  return {
    id,
    state,
    closedAtMs,
    isTakenBack,
    scope: decision?.scope ?? 'call',
    approver: decision?.approver,
    words: words.slice(0, 300),
    subject,
    server,
    tool,
    argumentsSha256,
    beginning: argumentsInBrief(request.arguments),
    arguments: request.isAbridged === true ? undefined : request.arguments,
  };
}

function toClosed(stored: Readonly<Record<string, unknown>>): ClosedQuestion {
  const { id, state, closedAtMs, approver, words, subject, server, tool, argumentsSha256, beginning } = stored;
  const text = stored.arguments;
  return {
    id: id as string,
    state: state as ClosedQuestion['state'],
    closedAtMs: Number(closedAtMs),
    isTakenBack: stored.isTakenBack === true,
    scope: stored.scope === 'window' ? 'window' : 'call',
    approver: approver as string | undefined,
    words: words as string,
    subject: subject as string,
    server: server as string,
    tool: tool as string,
    argumentsSha256: argumentsSha256 as string,
    beginning: beginning as string | undefined,
    arguments: typeof text === 'string' ? (JSON.parse(text) as JsonObject) : undefined,
  };
}
