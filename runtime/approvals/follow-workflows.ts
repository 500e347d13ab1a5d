import type { ApprovalRequest } from '../contract/approval.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import type { Logger } from '../shared/logger.ts';
import type { TaskOutcome, WorkflowTasks } from '../shared/workflow-tasks.ts';

/** What is known here about notices, beside those that the store has. */
export interface NoticeReports {
  /** People read of these questions elsewhere than on cards of their own. */
  told(requestIds: readonly string[]): void;
  /** Nobody can be told of this question, and trying again would not help. `cause` is shown to operators. */
  refused(requestId: string, cause: string): void;
}

/** Tells the workflows of open requests whether people have been told. */
export interface FollowWorkflows extends NoticeReports {
  /** One look at everything that is open. Rejects with Refusal `approval_unavailable` when there is no list. */
  look(signal?: AbortSignal): Promise<void>;
}

export interface FollowWorkflowsDeps {
  readonly now: () => number;
  readonly logger: Logger;
  readonly approvals: Pick<ApprovalStore, 'listUnsettled'>;
  readonly tasks: Pick<WorkflowTasks, 'told' | 'notTold' | 'stillTelling'>;
  /** Where people of a tenant are told; undefined: they look at the page, and there is nobody to wait for. */
  readonly channelOf: (tenant: string) => string | undefined;
  /** True while this replica does it for all of them. */
  readonly isOurs: () => Promise<boolean>;
}

/** Well below the shortest heartbeat that anybody should deploy, ms. */
const heartbeatMs = 15_000;
/** Between two tries at a workflow that has not asked, or does not answer: from this, doubled each time, to that. */
const pauseMinMs = 1000;
const pauseMaxMs = 30_000;
/** A workflow that takes a new token does so within a few seconds; after that, over is over. */
const overAfterMs = 10_000;
/** Commands under way at once. */
const atOnceMax = 8;

type Said = 'told' | 'refused' | 'still telling';

/** Of one open request. */
interface Progress {
  report: 'told' | { readonly refused: string } | undefined;
  /** What the workflow was told last, or would have been. */
  said: Said | undefined;
  nextMs: number;
  pauseMs: number;
  overSinceMs: number | undefined;
  isDone: boolean;
}

/**
 * A workflow that was told costs nothing any more, one that waits for its notice a heartbeat now and then, and one that was never started less and
 * less. A process that starts anew asks once about each.
 */
export function createFollowWorkflows(deps: FollowWorkflowsDeps): FollowWorkflows {
  const { now, logger, tasks } = deps;
  const progresses = new Map<string, Progress>();

  function progressOf(id: string): Progress {
    const known = progresses.get(id);
    if (known !== undefined) return known;
    const made = {
      report: undefined,
      said: undefined,
      nextMs: 0,
      pauseMs: pauseMinMs,
      overSinceMs: undefined,
      isDone: false,
    };
    progresses.set(id, made);
    return made;
  }

  async function follow(request: ApprovalRequest): Promise<void> {
    const { id, notice, tenant } = request;
    const progress = progressOf(id);
    const { report } = progress;
    const isTold = notice !== undefined || report === 'told' || deps.channelOf(tenant) === undefined;
    const said = isTold ? 'told' : report === undefined ? 'still telling' : 'refused';
    // What is new waits for nothing.
    if (said === progress.said && (progress.isDone || now() < progress.nextMs)) return;
    progress.said = said;
    try {
      note(progress, await say(id, said, report));
    } catch (error) {
      pause(progress);
      throw error;
    }
  }

  function say(id: string, said: Said, report: Progress['report']): Promise<TaskOutcome> {
    if (said === 'told') return tasks.told(id);
    return typeof report === 'object' ? tasks.notTold(id, report.refused) : tasks.stillTelling(id);
  }

  function note(progress: Progress, outcome: TaskOutcome): void {
    const isLast = progress.said !== 'still telling';
    if (outcome === 'taken') {
      progress.isDone = isLast;
      progress.nextMs = now() + heartbeatMs;
      progress.pauseMs = pauseMinMs;
      progress.overSinceMs = undefined;
      return;
    }
    progress.overSinceMs = outcome === 'over' ? (progress.overSinceMs ?? now()) : undefined;
    progress.isDone = isLast && progress.overSinceMs !== undefined && now() >= progress.overSinceMs + overAfterMs;
    pause(progress);
  }

  function pause(progress: Progress): void {
    progress.nextMs = now() + progress.pauseMs;
    progress.pauseMs = Math.min(2 * progress.pauseMs, pauseMaxMs);
  }

  return {
    told(requestIds) {
      for (const id of requestIds) progressOf(id).report ??= 'told';
    },
    refused(requestId, cause) {
      progressOf(requestId).report ??= { refused: cause };
    },
    async look(signal) {
      if (!(await deps.isOurs())) return;
      const unsettled = await deps.approvals.listUnsettled();
      const open = unsettled.filter(({ state, expiresAtMs }) => state === 'open' && now() < expiresAtMs);
      const left = new Set(open.map(({ id }) => id));
      for (const id of progresses.keys()) if (!left.has(id)) progresses.delete(id);
      const failures: unknown[] = [];
      const rest = open.values();
      await Promise.all(
        Array.from({ length: atOnceMax }, async () => {
          for (const request of rest) {
            if (signal?.aborted === true) return;
            await follow(request).catch((error: unknown) => failures.push(error));
          }
        }),
      );
      // One line for all of them: what fails is a service, and not a request.
      if (failures.length > 0) {
        logger.warn({ err: failures[0], requests: failures.length }, 'workflows could not be told of notices');
      }
    },
  };
}
