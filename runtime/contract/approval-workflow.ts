import type { JsonObject } from './json.ts';
import { workflowFailures } from './workflow-input.ts';
import {
  answered,
  ask,
  asked,
  choice,
  close,
  conditionFailed,
  fail,
  forgottenAtS,
  isText,
  itemKey,
  nowMs,
  resource,
  update,
  type WorkflowTable,
  whenBusy,
} from './workflow-states.ts';

/** What a deployment chooses. */
export interface WorkflowSettings {
  /** Full name of the table of grants. */
  readonly tableName: string;
  /** Of AWS: services are named after it. @default 'aws' */
  readonly partition?: string;
  /** For telling people, waiting for their rate limits included, s. */
  readonly noticeTimeoutS: number;
  /** Whoever tells people says at least so often that it is still trying, s. */
  readonly noticeHeartbeatS: number;
}

/** A state machine in Amazon States Language. */
export interface WorkflowDefinition {
  readonly Comment: string;
  readonly QueryLanguage: 'JSONata';
  readonly StartAt: string;
  readonly States: Readonly<Record<string, JsonObject>>;
}

/**
 * What a yes must meet, each on what the execution was started with: a later state's input no longer holds it. A missing value
 * makes `=` and `!=` false and `$not(a = b)` true, and an array differs from every text, so types are checked first.
 */
export const isAnotherPerson = [
  isText(`${answered}.approver.tenant`),
  isText(`${answered}.approver.subject`),
  isText(`${answered}.approver.person`),
  `${answered}.approver.tenant = ${asked}.tenant`,
  `${answered}.approver.subject != ${asked}.subject`,
  `${answered}.approver.person != ${asked}.person`,
  // One's own account is no other person, whatever column it stands in.
  `${answered}.approver.subject != ${asked}.person`,
  `${answered}.approver.person != ${asked}.subject`,
].join(' and ');

const isQuestion = [
  `${answered}.v = 1`,
  ...['requestId', 'tenant', 'subject', 'person', 'request.pk', 'request.sk', 'grant.pk', 'grant.sk'].map((path) =>
    isText(`${answered}.${path}`),
  ),
  `$type(${answered}.expiresAtMs) = 'number'`,
  `($exists(${answered}.window) = false or (${isText(`${answered}.window.pk`)} and ${isText(`${answered}.window.sk`)}))`,
].join(' and ');

/**
 * The states of one approval. It asks by writing a task token where only those who answer look, so that asking and answering are different
 * principals, and it never writes a yes: it tells that nobody answered, takes a question back that nobody was told of, and takes a
 * yes back that its asker gave. `lib/constructs/approval-workflow.ts` deploys it, `runtime/local/run-workflow.ts` runs it.
 */
export function approvalWorkflow(settings: WorkflowSettings): WorkflowDefinition {
  const { tableName, noticeTimeoutS, noticeHeartbeatS, partition = 'aws' } = settings;
  const table: WorkflowTable = { tableName, partition };
  return {
    Comment: 'One approval: people are told, one of them answers in time, and it is not the asker.',
    QueryLanguage: 'JSONata',
    StartAt: 'CheckQuestion',
    States: {
      CheckQuestion: choice([[isQuestion, 'PostNotice']], 'BadQuestion'),

      PostNotice: {
        ...ask(table, 'notice', 'CheckNotice'),
        TimeoutSeconds: noticeTimeoutS,
        HeartbeatSeconds: noticeHeartbeatS,
        // Whoever was telling people is gone; another one takes a new token.
        Retry: [{ ErrorEquals: ['States.HeartbeatTimeout'], IntervalSeconds: 1, MaxAttempts: 2 }, whenBusy],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'WithdrawQuestion' }],
      },
      // Somebody may answer on the page before Slack has the card.
      CheckNotice: choice([[`$exists(${answered}.verdict)`, 'CheckAnswer']], 'AwaitDecision'),

      AwaitDecision: {
        ...ask(table, 'decision', 'CheckAnswer'),
        TimeoutSeconds: `{% $max([1, $ceil((${asked}.expiresAtMs - $millis()) / 1000)]) %}`,
        Retry: [whenBusy],
        Catch: [
          { ErrorEquals: ['States.Timeout'], Next: 'ExpireQuestion' },
          { ErrorEquals: ['States.ALL'], Next: 'ReadRequest' },
        ],
      },
      CheckAnswer: choice(
        [
          [`${answered}.verdict = 'deny'`, 'Denied', 'denied'],
          [`${answered}.verdict = 'approve' and ${isAnotherPerson}`, 'Approved', 'approved'],
        ],
        'RevokeYes',
      ),

      ExpireQuestion: {
        ...close(table, 'expired', 'Expired'),
        Catch: [{ ErrorEquals: [conditionFailed], Next: 'ReadRequest' }],
      },
      WithdrawQuestion: {
        ...close(table, 'withdrawn', 'NoticeNotSent'),
        Catch: [{ ErrorEquals: [conditionFailed], Next: 'ReadRequest' }],
      },

      // The store knows what stands when the answer came too late to be told here.
      ReadRequest: {
        Type: 'Task',
        Resource: resource(table, 'getItem'),
        Arguments: {
          TableName: tableName,
          Key: itemKey('request'),
          ConsistentRead: true,
          // Nothing of the call itself: whatever is read is in the history of the execution.
          ProjectionExpression: '#state, approver',
          ExpressionAttributeNames: { '#state': 'state' },
        },
        Retry: [whenBusy],
        Next: 'CheckRecord',
      },
      CheckRecord: choice(
        [
          [
            `${answered}.Item.state.S = 'approved' and ${isText(`${answered}.Item.approver.S`)}` +
              ` and ${answered}.Item.approver.S != ${asked}.subject and ${answered}.Item.approver.S != ${asked}.person`,
            'Approved',
            'approved',
          ],
          [`${answered}.Item.state.S = 'approved'`, 'RevokeYes'],
          [`${answered}.Item.state.S = 'denied'`, 'Denied', 'denied'],
          [`${answered}.Item.state.S = 'expired'`, 'Expired', 'expired'],
          [`${answered}.Item.state.S = 'withdrawn'`, 'Withdrawn', 'withdrawn'],
        ],
        'OutcomeUnknown',
      ),

      // Also where there is no yes yet: what is written here keeps it from ever being one.
      RevokeYes: { ...revoke(table, 'grant'), Next: 'CheckWindow' },
      // Whatever the yes was to: nobody asks what it said.
      CheckWindow: choice([[`$exists(${asked}.window)`, 'RevokeWindow']], 'NotAnotherPerson'),
      RevokeWindow: { ...revoke(table, 'window'), Next: 'NotAnotherPerson' },

      Approved: { Type: 'Succeed' },
      Denied: { Type: 'Succeed' },
      Expired: { Type: 'Succeed' },
      Withdrawn: { Type: 'Succeed' },
      BadQuestion: fail(workflowFailures.badQuestion, 'The input is no question of an approval.'),
      NoticeNotSent: fail(workflowFailures.noticeNotSent, 'Nobody could be told; the question was taken back.'),
      NotAnotherPerson: fail(workflowFailures.notAnotherPerson, 'The yes is not of another person; it was revoked.'),
      OutcomeUnknown: fail(workflowFailures.outcomeUnknown, 'The task failed and the request is still open.'),
    },
  };
}

function revoke(table: WorkflowTable, item: 'grant' | 'window'): JsonObject {
  return update(
    table,
    item,
    'SET revoked_at_ms = if_not_exists(revoked_at_ms, :now), expires_at = if_not_exists(expires_at, :forgotten)',
    { ':now': { N: nowMs }, ':forgotten': { N: forgottenAtS } },
  );
}
