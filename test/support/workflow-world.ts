import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import { taskTokenAttribute, type WorkflowStep, workflowTaskKey } from '../../runtime/contract/workflow-input.ts';
import { type ApprovalStore, createApprovalStore } from '../../runtime/shared/approval-store.ts';
import type { DynamoDBClient } from '../../runtime/shared/dynamo.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { workflowInput } from '../../runtime/shared/workflow-input.ts';
import {
  createWorkflowTasks,
  type TaskAnswers,
  type TaskOutcome,
  type WorkflowStarter,
  type WorkflowTasks,
} from '../../runtime/shared/workflow-tasks.ts';
import { sampleGrant } from './grant.ts';

/** Something that runs the approval workflow on tables that are there. */
export interface WorkflowUnderTest {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  readonly starter: WorkflowStarter;
  readonly answers: TaskAnswers;
  outcomeOf(requestId: string): Promise<WorkflowOutcome>;
  close(): Promise<void>;
}

export interface WorkflowOutcome {
  readonly status: 'running' | 'succeeded' | 'failed';
  readonly outcome?: unknown;
  readonly error?: string;
}

/** How long people have, s: long enough for a test, and so short that it is over at once. */
export interface WorkflowPace {
  readonly noticeS: number;
  readonly decisionS: number;
}

export interface WorkflowWorld extends WorkflowUnderTest {
  readonly store: ApprovalStore;
  readonly tasks: WorkflowTasks;
}

/** Beside a workflow what its services have. */
export function workflowWorld(made: WorkflowUnderTest): WorkflowWorld {
  const { client, tablePrefix, answers } = made;
  const tables = { client, tablePrefix, deadlineMs: 10_000 };
  return { ...made, store: createApprovalStore(tables), tasks: createWorkflowTasks({ ...tables, answers }) };
}

export const decision = { approver: 'approver-1', reason: 'as agreed', via: 'page' } as const;

let asked = 0;

export async function requestOf({ store }: WorkflowWorld): Promise<ApprovalRequest> {
  asked += 1;
  const { id, approver, grantedAtMs, expiresAtMs, ...call } = sampleGrant({
    argumentsSha256: `${asked}`.padStart(64, '0'),
  });
  return store.open(
    { ...call, callId: `call-${asked}`, clientName: undefined, words: 'Writes.', arguments: {}, reasons: [] },
    Date.now(),
  );
}

export async function ask(world: WorkflowWorld, person?: string): Promise<ApprovalRequest> {
  const request = await requestOf(world);
  await world.starter.start(workflowInput(request, person));
  return request;
}

export async function decide(
  { store }: WorkflowWorld,
  { id }: ApprovalRequest,
  verdict: 'approve' | 'deny',
  approver = 'approver-1',
) {
  const closed = await store.decide(id, { ...decision, approver, verdict }, Date.now());
  assert.equal(closed?.isYours, true);
}

export async function isUsable(
  { client, tablePrefix: prefix }: WorkflowWorld,
  request: ApprovalRequest,
): Promise<boolean> {
  const grants = createGrantStore({ client, tablePrefix: prefix, deadlineMs: 10_000 });
  return (await grants.find(request, Date.now())) !== undefined;
}

export async function tokenOf({ client, tablePrefix: prefix }: WorkflowWorld, requestId: string, step: WorkflowStep) {
  const key = { TableName: `${prefix}grants`, Key: marshall(workflowTaskKey(requestId, step)), ConsistentRead: true };
  const { Item } = await client.send(new GetItemCommand(key));
  return Item === undefined ? undefined : (unmarshall(Item)[taskTokenAttribute] as string);
}

export async function ending(world: WorkflowWorld, requestId: string): Promise<WorkflowOutcome> {
  return waitFor(async () => {
    const outcome = await world.outcomeOf(requestId);
    return outcome.status === 'running' ? undefined : outcome;
  });
}

/** The workflow comes to asking a moment after it was started, or told. */
export function untilTaken(tell: () => Promise<TaskOutcome>): Promise<unknown> {
  return waitFor(async () => (await tell()) === 'taken');
}

export async function waitFor<T>(look: () => Promise<T | undefined | false>, withinMs = 20_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`it did not happen within ${withinMs / 1000} seconds`);
    await delay(20);
  }
}
