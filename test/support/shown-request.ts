import type { SignedIn } from '../../runtime/approvals/page-sign-in.ts';
import type { ShownRequest } from '../../runtime/approvals/pages/request-page.ts';
import { sampleRequest } from './approval.ts';

/** Somebody who is signed in to the pages. */
export function sampleSignedIn(): SignedIn {
  return {
    subject: 'ada',
    displayName: 'Ada',
    tenant: 'acme',
    kind: 'human',
    roles: ['approver'],
    formSecret: 'x'.repeat(43),
  };
}

/** A question as an approver sees it, with what a test changes. */
export function sampleShown(changes: Partial<ShownRequest> = {}): ShownRequest {
  const { request = sampleRequest() } = changes;
  return {
    request,
    wholeArguments: request.arguments,
    person: sampleSignedIn(),
    isOwn: false,
    reasons: [],
    nowMs: request.openedAtMs + 60_000,
    use: undefined,
    canTakeBack: false,
    before: undefined,
    ...changes,
  };
}
