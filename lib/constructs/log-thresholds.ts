import * as cdk from 'aws-cdk-lib';
import type { Threshold, Watched } from './alarm-thresholds.ts';
import type { FailingPart, Trouble } from './log-metrics.ts';

const minute = cdk.Duration.minutes(1);
const fiveMinutes = cdk.Duration.minutes(5);

/** Calls that are refused because a part gives no answer. */
export function dependencies({ logMetrics }: Watched): Threshold[] {
  const lasting = { limit: 1, periods: 3, periodsWrong: 2 };
  const failures = (part: FailingPart) => logMetrics.failures(part, minute);
  return [
    {
      id: 'AuditUnavailable',
      section: 'audit-unavailable',
      says: 'Calls are refused because they cannot be recorded.',
      metric: failures('audit'),
      limit: 1,
    },
    {
      id: 'IdentityUnavailable',
      section: 'identity-unavailable',
      says: 'Calls are refused because the keys of an issuer cannot be had.',
      metric: failures('identity'),
      ...lasting,
    },
    {
      id: 'PolicyUnavailable',
      section: 'policy-unavailable',
      says: 'Calls are refused because policy gives no answer.',
      metric: failures('policy'),
      ...lasting,
    },
    {
      id: 'CatalogueUnavailable',
      section: 'catalogue-unavailable',
      says: 'Calls are refused because the catalogue cannot be read.',
      metric: failures('catalogue'),
      ...lasting,
    },
    {
      id: 'QuotaUnavailable',
      section: 'quota-unavailable',
      says: 'Calls are refused because they cannot be counted in time.',
      metric: failures('quota'),
      ...lasting,
    },
    {
      id: 'ApprovalsUnavailable',
      section: 'approvals-unavailable',
      says: 'Calls are refused because approvals cannot be read.',
      metric: failures('approvals'),
      ...lasting,
    },
    {
      id: 'SigningUnavailable',
      section: 'signing-keys',
      says: 'Calls are refused because no key can sign the token for the tool server.',
      metric: failures('signing'),
      ...lasting,
    },
    {
      id: 'ToolServerFailures',
      section: 'tool-server-failures',
      says: 'A tool server does not answer, is late, or answers what is no MCP.',
      metric: failures('toolServers'),
      limit: 3,
      periods: 5,
      periodsWrong: 4,
    },
    {
      id: 'InternalErrors',
      section: 'internal-errors',
      says: 'The gateway met a bug of its own, or dropped a result that it could not make safe.',
      metric: failures('ourselves'),
      limit: 1,
    },
  ];
}

/** Trouble that no call has met yet, or that calls do not wait for. */
export function troubles({ logMetrics }: Watched): Threshold[] {
  const lines = (trouble: Trouble) => logMetrics.troubles(trouble, fiveMinutes);
  return [
    {
      id: 'AuditStorage',
      section: 'audit-storage',
      says: 'Records are late in the audit bucket.',
      metric: lines('auditStorage'),
      limit: 3,
    },
    {
      id: 'AuditLost',
      section: 'audit-lost',
      says: 'Something is not on record, or the end of a writer is not.',
      metric: lines('auditLost'),
      limit: 1,
    },
    {
      id: 'AuditCheckpoints',
      section: 'audit-checkpoints',
      says: 'Checkpoints of the record cannot be signed or stored.',
      metric: lines('checkpoints'),
      limit: 3,
    },
    {
      id: 'PolicyRefused',
      section: 'policy-refused',
      says: 'A new policy was refused; the last good one goes on deciding.',
      metric: lines('policy'),
      limit: 1,
    },
    {
      id: 'SigningKeys',
      section: 'signing-keys',
      says: 'Keys that sign tokens for tool servers cannot be vouched for or published.',
      metric: lines('signingKeys'),
      limit: 1,
      periods: 3,
      periodsWrong: 2,
    },
    {
      id: 'PeopleNotTold',
      section: 'people-not-told',
      says: 'People are not told of a question, or of what became of it.',
      metric: lines('people'),
      limit: 3,
      periods: 3,
      periodsWrong: 2,
    },
    {
      id: 'Registration',
      section: 'registration',
      says: 'A tool server is not registered as its stack declares it.',
      metric: lines('registration'),
      limit: 1,
    },
  ];
}
