import type { TestContext } from 'node:test';
import { createGrantUses } from '../../runtime/approvals/clients/grant-uses.ts';
import { decideRequest } from '../../runtime/approvals/decide-request.ts';
import { createSettleRequests } from '../../runtime/approvals/settle-requests.ts';
import { finishTakeBack, takeBackYes, withdrawRequest } from '../../runtime/approvals/take-back.ts';
import type { ApprovalDecision, ApprovalRequest } from '../../runtime/contract/approval.ts';
import type { AuditEvent } from '../../runtime/contract/audit-event.ts';
import { recordQuestion } from '../../runtime/gateway/approval/record-question.ts';
import type { ApprovalStore } from '../../runtime/shared/approval-store.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { sampleQuestion } from '../support/approval.ts';
import { sampleCaller } from '../support/caller.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';
import { createMemoryAudit } from '../support/memory-audit.ts';
import { Processes } from '../support/mortal-processes.ts';
import { openPolicy } from '../support/open-policy.ts';

export interface RecordWorld {
  readonly processes: Processes;
  readonly clock: { ms: number };
  /** While it is true nobody can be told of anything. */
  readonly telling: { fails: boolean };
  readonly events: readonly AuditEvent[];
  /** The same flows in each of two processes, on one store and one record. */
  readonly replicas: readonly Replica[];
  readonly grantUses: ReturnType<typeof createGrantUses>;
}

export interface Replica {
  readonly store: ApprovalStore;
  /** This person's call with these arguments. */
  ask(subject: string, args: string, callId: string): Promise<ApprovalRequest>;
  answer(request: ApprovalRequest, who: string, verdict: ApprovalDecision['verdict']): Promise<unknown>;
  takeBack(request: ApprovalRequest, who: string): Promise<unknown>;
  withdraw(request: ApprovalRequest): Promise<unknown>;
  sweep(): Promise<void>;
}

/** What records questions and answers, on processes that die at any command or record. */
export async function openRecordWorld(t: TestContext): Promise<RecordWorld> {
  const { policy, close: closePolicy } = await openPolicy();
  t.after(closePolicy);
  const processes = new Processes(await openTestDynamo(t));
  const kept = createMemoryAudit();
  const audit = { ...kept, append: (event: AuditEvent) => processes.step(() => kept.append(event)) };
  const clock = { ms: 1_795_000_000_000 };
  const telling = { fails: false };
  const now = () => clock.ms;
  const show = () =>
    processes.step(async () => {
      if (telling.fails) throw new Error('slack is away');
    });

  function replica(store: ApprovalStore, grantUses: RecordWorld['grantUses']): Replica {
    const logger = silentLogger();
    const deps = { approvals: store, grantUses, policy, audit, now, logger, showOutcome: show, showTakenBack: show };
    const sweep = createSettleRequests({ ...deps, finishTakeBack: (request) => finishTakeBack(request, deps) });
    const person = (subject: string, tenant: string) =>
      ({ subject, tenant, kind: 'human', roles: ['approver'] }) as const;
    const by = ({ id: requestId, tenant }: ApprovalRequest, subject: string) =>
      ({ requestId, approver: person(subject, tenant), reason: 'So.', via: 'page' }) as const;
    return {
      store,
      ask(subject, args, callId) {
        const policyRevision = policy.revision() ?? '';
        const question = sampleQuestion({ subject, policyRevision, argumentsSha256: args.repeat(64), callId });
        const about = { call: { callId }, caller: sampleCaller({ subject }) };
        return store.open(question, now(), (request) => recordQuestion(request, about, { audit, now }));
      },
      answer: (request, who, verdict) => decideRequest({ ...by(request, who), verdict }, deps),
      takeBack: (request, who) => takeBackYes(by(request, who), deps),
      withdraw: (request) => withdrawRequest(by(request, request.subject), deps),
      sweep,
    };
  }

  const uses = processes.clients.map((client) => createGrantUses({ client, tablePrefix, deadlineMs: 30_000 }));
  return {
    processes,
    clock,
    telling,
    events: kept.events,
    replicas: uses.map((each, i) => replica(processes.approvals[i] as ApprovalStore, each)),
    grantUses: uses[0] as RecordWorld['grantUses'],
  };
}
