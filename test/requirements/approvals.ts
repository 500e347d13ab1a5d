import type { RequirementRow } from '../requirements.ts';

/** A person's yes: what is stored, who may give it, and what holds when processes die. */
// biome-ignore format: a table has one row a line.
export const approvalRows: readonly RequirementRow[] = [
  ['R-APR-01', 'Never two runs for one yes, never a run without a yes, never an acknowledged yes lost, whoever dies when', 'shared/approval-properties: never two runs for one yes, never a run without a yes, never an acknowledged yes lost'],
  ['R-APR-02', 'The same call is the same question, however many ask; anything else is another one', 'shared/approval-store: is the same for the same call, however many ask at once', ': is another one when anything of the call differs'],
  ['R-APR-03', 'One answer counts, and everybody is told which', 'shared/approval-store: of two people at once is one answer, and both are told which', 'approvals/decide-request: given twice stands once, and is completed when its process died'],
  ['R-APR-04', 'What a dead process left is finished by whoever comes next', 'shared/approval-store: that was claimed and never written is written by the next who asks', ': whose process died before the grant was written is completed by whoever comes next', 'approvals/decide-request: records and tells what its process did not get to, after a minute', ': tells an outcome until it was told, and records it once'],
  ['R-APR-05', 'A yes holds for 15 minutes and a no stands for as long; a question expires', 'shared/approval-store: that is a yes is a grant for this call, once, for 15 minutes', ': that is a no stands for 15 minutes, then one may ask again', ': expires when nobody answers, and the next question is a new one'],
  ['R-APR-06', 'Who may answer is decided by policy: a person, an approver of the tenant, never the asker under any account', 'approvals/decide-request: of the one who asked is refused and recorded, for a yes and for a no', ': of somebody without the role is refused and recorded, for a yes and for a no', ': of an agent is refused and recorded, for a yes and for a no', ': from another tenant, or to what was never asked, learns nothing, and is on that tenant’s record', ': after the question’s time, or under another policy, gives no grant', 'shared/policy-client: an approver is asked about with the accounts of the tenant, and with nothing else of it'],
  ['R-APR-07', 'An answer is on record before it is stored, and as it came out', 'approvals/decide-request: that is a yes is on record before it is stored and after, its grant is there, and people are told', ': that cannot be put on record is not stored'],
  ['R-APR-08', 'Without the store nobody is told that a yes stands', 'shared/approval-store: without DynamoDB, or with one that never answers, every method says so'],
];
