import type { RequirementRow } from '../requirements.ts';

/** The state machine behind each question to people. The suite `support/workflow-suite` runs on a laptop and on an emulator. */
// biome-ignore format: a table has one row a line.
export const approvalWorkflowRows: readonly RequirementRow[] = [
  ['R-WFL-01', 'Every expression of the workflow is evaluated by a test, and the definition is valid Amazon States Language', 'contract/approval-workflow: the workflow is valid Amazon States Language, and every state is reached', ': every expression of the workflow is evaluated by a test of this file'],
  ['R-WFL-02', 'Four eyes hold in the machine too, with whatever is left out', 'contract/approval-workflow: a yes is of another person of the same tenant, and all of it is said', ': the comparison that comes to mind first lets the asker through: the input of a later state does not hold the asker', ': what the store says counts when the answer was not told'],
  ['R-WFL-03', 'Who asks cannot answer, and the machine can write no yes', 'lib/constructs/approval-workflow: who starts it may do nothing else, and who answers it reads tokens and nothing else', ': one principal that would both ask and answer is refused, in either order', ': the workflow writes tokens, closes requests and revokes yeses, and can write no yes'],
  ['R-WFL-04', 'Task tokens are in no log', 'lib/constructs/approval-workflow: the log tells states and never what they hold, because that includes task tokens'],
  ['R-WFL-05', 'A teller that dies holds up no question', 'local/run-workflow: whoever tells people and goes silent is taken for gone, and the next one gets a new token'],
  ['R-WFL-06', 'Approve, deny, expire, a second answer, a token that nobody gave', 'support/workflow-suite: a yes of another person ends it as approved, and its yes can be used', ': a no ends it as denied', ': a question that nobody answers expires, and is left for the record', ': the second answer, and a notice after the end, find nobody waiting', ': a token that nobody gave answers nothing'],
  ['R-WFL-07', 'A question that nobody can be told of is taken back', 'support/workflow-suite: a question that nobody can be told of is taken back', ': a question that nobody tells anybody of in time is taken back', ': an answer counts although the notice fails after it'],
  ["R-WFL-08", "The asker's own yes is revoked, stored or not", "support/workflow-suite: the asker's own yes is revoked, by whichever account, and with whatever is left out", ': a yes that is revoked before it is stored is never one', ': an answer that is stored but never told is found when the time is over, and so is whose it is'],
];
