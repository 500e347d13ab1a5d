import type { RefusalCode } from '../../runtime/contract/refusal-codes.ts';

/**
 * Codes of failures that a service tells in its log (`runtime/shared/failure-log.ts`: at once, then at most every ten seconds a cause), by the
 * part of the platform that is to blame.
 */
export const failureCodes = {
  identity: ['identity_unavailable'],
  catalogue: ['catalogue_unavailable'],
  policy: ['policy_unavailable', 'obligation_unknown'],
  quota: ['quota_unavailable'],
  approvals: ['approval_unavailable'],
  audit: ['audit_unavailable'],
  signing: ['signing_unavailable'],
  toolServers: ['upstream_unavailable', 'upstream_timeout', 'upstream_invalid'],
  ourselves: ['internal_error', 'redaction_failed'],
} as const satisfies Readonly<Record<string, readonly RefusalCode[]>>;

/**
 * Lines that mean trouble without a refused call, word for word as the services write them.
 */
export const troubleLines = {
  auditStorage: ['an audit object could not be stored; it is tried again', 'audit records are not stored'],
  auditLost: [
    'an audit event cannot be recorded',
    'refused strangers are not on record',
    'the audit writer could not store everything before it ended',
    'the audit writer could not be closed properly',
    'a registration could not be recorded',
    'a refusal could not be recorded',
  ],
  checkpoints: ['an audit checkpoint could not be signed or stored; it is tried again'],
  policy: ['policy refused, the last good one stays', 'policy bundle refused, the last good one stays'],
  signingKeys: [
    'no signing key could be endorsed, it is tried again',
    'the statement about our signing key is gone: it signs no more',
    'a statement about a signing key does not verify and is ignored',
    'the statements about signing keys cannot be read',
  ],
  // To the people who are asked, and to those who asked.
  people: [
    'a request could not be looked after',
    'an outcome was not told, the next sweep tries again',
    'a request is not settled, the next sweep tries again',
    'closed requests could not be looked at',
    'open requests could not be looked at',
    'workflows could not be looked at',
    'workflows could not be told of notices',
    'the socket to Slack cannot be opened: look at SLACK_APP_TOKEN',
    'the socket to Slack cannot be opened; it is tried again',
  ],
  registration: ['declarations or catalogue cannot be read', 'a registration was refused'],
} as const;

/** What each gateway writes every minute about its calls (`runtime/gateway/call-times.ts`). */
export const callTimesLine = { msg: 'how long calls took', p99Seconds: '$.p99Seconds' } as const;
