import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openTestDynamo } from '../support/local-dynamo.ts';
import { Processes } from '../support/mortal-processes.ts';
import { commands, newModel, type Seen } from './approval-model.ts';

test('never two runs for one yes, never a run without a yes, never an acknowledged yes lost', async (t) => {
  const real = new Processes(await openTestDynamo(t));
  const seen: Seen = { runs: 0, windowRuns: 0, crashes: 0, recovered: 0 };
  await fc.assert(
    fc.asyncProperty(commands(seen), (all) => fc.asyncModelRun(() => ({ model: newModel(), real }), all)),
    // More of them: APPROVAL_RUNS=2000.
    { numRuns: Number(process.env.APPROVAL_RUNS ?? 50) },
  );
  // Far below what is usual: runs are random.
  assert.ok(seen.runs > 10 && seen.windowRuns > 5 && seen.crashes > 50 && seen.recovered > 5, JSON.stringify(seen));
});
