import type { Grant } from '../../runtime/contract/receipts.ts';

/** A grant with everything that a test does not care about filled in. */
export function sampleGrant(changes: Partial<Grant> = {}): Grant {
  return {
    id: 'grant-1',
    tenant: 'acme',
    subject: 'user-1',
    clientId: 'client-1',
    server: 'write',
    tool: 'postgres.write',
    definitionHash: 'd'.repeat(64),
    argumentsSha256: 'a'.repeat(64),
    policyRevision: 'abcdefabcdef',
    approver: 'approver-1',
    grantedAtMs: 1_795_000_000_000,
    expiresAtMs: 1_795_000_900_000,
    ...changes,
  };
}
