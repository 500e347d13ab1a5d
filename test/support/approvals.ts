import type { Approvals } from '../../runtime/gateway/approval/open-approvals.ts';

/** A store in which every question stays open, for tests that are about something else. */
export function askedApprovals(): Approvals['approvals'] {
  return {
    open: async (question, nowMs) => ({
      ...question,
      id: 'approval-1',
      openedAtMs: nowMs,
      expiresAtMs: nowMs + 86_400_000,
      state: 'open',
      closedAtMs: undefined,
      decision: undefined,
      notice: undefined,
    }),
    find: async () => undefined,
    listClosed: async () => [],
    completeGrant: async () => undefined,
  };
}
