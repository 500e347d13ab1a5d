import type { ApprovalState } from '../../contract/approval.ts';

/** How a question stands: the same words on the card, on its page and in the list. */
export const titles: Readonly<Record<ApprovalState, string>> = {
  open: 'Approval wanted',
  approved: 'Approved',
  denied: 'Denied',
  expired: 'Nobody answered in time',
  withdrawn: 'No longer asked',
};
