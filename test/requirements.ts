import { approvalWorkflowRows } from './requirements/approval-workflow.ts';
import { approvalRows } from './requirements/approvals.ts';
import { attackRows } from './requirements/attacks.ts';
import { auditOnS3Rows } from './requirements/audit-on-s3.ts';
import { constructRows } from './requirements/constructs.ts';
import { gatewayRows } from './requirements/gateway.ts';
import { houseRows } from './requirements/house.ts';
import { registrationRows } from './requirements/registration.ts';

/**
 * One thing that must hold, and the tests that show it: `[id, what, 'file: test name', ...]`. The file is named under `test/`, without
 * `.test.ts`; a name after another of the same file stands alone as `: test name`. Rows `R-` are what the product promises, rows
 * `A-<group>-<number>` are attacks with their answer in docs/threat-table.md, and rows `F-` are parts that are gone.
 */
export type RequirementRow = readonly [id: string, what: string, ...shownBy: readonly string[]];

export const requirements: readonly RequirementRow[] = [
  ...houseRows,
  ...gatewayRows,
  ...registrationRows,
  ...auditOnS3Rows,
  ...constructRows,
  ...approvalRows,
  ...approvalWorkflowRows,
  ...attackRows,
];
