import { auditPlaceProblem } from '../shared/audit/audit-env.ts';
import { readEnv } from '../shared/read-env.ts';
import { type RunningApprovals, startApprovals } from './app.ts';
import { type ApprovalsDeps, createApprovalsDeps } from './deps.ts';
import { approvalsEnv, pageProblem, slackProblem } from './env.ts';
import { openPages } from './open-pages.ts';

/** The approvals service as a process of its own. */
try {
  const env = readEnv(approvalsEnv, process.env, auditPlaceProblem, slackProblem, pageProblem);
  const deps = await createApprovalsDeps(env);
  const approvals = await startApprovals(env, deps, openPages(env, deps));
  deps.logger.info({ url: approvals.url, slack: deps.slack !== undefined }, 'approvals listen');
  endOnSignal(approvals, deps);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

function endOnSignal(approvals: RunningApprovals, deps: ApprovalsDeps): void {
  let isEnding = false;
  const end = async (signal: NodeJS.Signals) => {
    if (isEnding) return;
    isEnding = true;
    deps.logger.info({ signal }, 'approvals end');
    await approvals.close();
    await deps.close();
    process.exit(0);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}
