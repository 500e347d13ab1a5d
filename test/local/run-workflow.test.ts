import { approvalWorkflow } from '../../runtime/contract/approval-workflow.ts';
import { tables } from '../../runtime/contract/tables.ts';
import { createTables, startDynamo } from '../../runtime/local/dynamo.ts';
import { runWorkflows } from '../../runtime/local/run-workflow.ts';
import { paced } from '../support/paced-workflow.ts';
import { workflowContract } from '../support/workflow-contract.ts';

workflowContract('the runner of the laptop', async (pace, tablePrefix) => {
  const dynamo = await startDynamo();
  const client = dynamo.createClient();
  await createTables(client, tablePrefix, tables);
  const definition = approvalWorkflow({ tableName: `${tablePrefix}grants`, noticeTimeoutS: 60, noticeHeartbeatS: 30 });
  const runner = runWorkflows(paced(definition, pace), client);
  return {
    client,
    tablePrefix,
    starter: runner,
    answers: runner,
    async outcomeOf(requestId) {
      const end = runner.outcomeOf(requestId);
      if (end === undefined || end.status === 'running') return { status: 'running' };
      if (end.status === 'failed') return { status: 'failed', error: end.error };
      return { status: 'succeeded', outcome: end.output };
    },
    async close() {
      runner.close();
      client.destroy();
      await dynamo.close();
    },
  };
});
