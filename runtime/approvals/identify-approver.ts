import type { ApprovalRequest } from '../contract/approval.ts';
import { Refusal } from '../shared/refusal.ts';
import type { ApproverDirectory, KnownApprover } from './clients/approver-directory.ts';
import type { Slack, SlackUser } from './clients/slack.ts';
import type { SlackClick } from './read-click.ts';

export interface IdentifyDeps {
  readonly now: () => number;
  readonly slack: Pick<Slack, 'user' | 'identity'>;
  readonly approvers: Pick<ApproverDirectory, 'find'>;
}

/**
 * Which account somebody in Slack is: a full member of the app's own workspace, whose confirmed address signed in to the approvals page a
 * short while ago. Slack vouches for the address, our authorization server for tenant and roles. Throws Refusal `approver_unknown`,
 * `identity_unavailable`, `approval_unavailable`.
 */
export async function identifyApprover(
  click: SlackClick,
  { tenant }: Pick<ApprovalRequest, 'tenant'>,
  deps: IdentifyDeps,
): Promise<KnownApprover> {
  const { teamId } = await answered(deps.slack.identity());
  // A channel may be shared with other organisations, whose admins give their people whatever address they like.
  if (click.teamId !== teamId || click.userTeamId !== teamId) throw unknown('of another workspace');
  const user = await answered(deps.slack.user(click.userId));
  if (user.teamId !== teamId || !user.isMember) throw unknown('not a full member');
  const email = confirmedEmail(user);
  const approver = await deps.approvers.find(email, tenant, deps.now());
  if (approver === undefined) throw unknown('nobody signed in with that address');
  return approver;
}

function confirmedEmail({ email, isEmailConfirmed }: SlackUser): string {
  if (email === undefined || !isEmailConfirmed) throw unknown('no confirmed address');
  return email;
}

async function answered<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    throw new Refusal(
      'identity_unavailable',
      { reason: 'Slack does not say who you are right now.' },
      { cause: error },
    );
  }
}

function unknown(privateDetail: string): Refusal {
  return new Refusal('approver_unknown', { privateDetail });
}
