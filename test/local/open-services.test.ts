import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTables, startDynamo } from '../../runtime/local/dynamo.ts';
import { openTables } from '../../runtime/local/open-services.ts';
import { createOpenings } from '../../runtime/local/openings.ts';
import { takeStateFolder } from '../../runtime/local/state-folder.ts';

test('tables of another version of Toolgate are one sentence, with the folder to delete', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-tables-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const state = takeStateFolder(folder);
  const older = await startDynamo({ stateDir: state.inside('dynamodb') });
  const client = older.createClient();
  await createTables(client, 'toolgate-', [{ name: 'quota', partitionKey: 'other' }]);
  client.destroy();
  await older.close();

  const openings = createOpenings();
  await assert.rejects(openTables(state, openings), {
    name: 'StartError',
    message: `The table toolgate-quota is of another version of Toolgate: its keys or indexes are not those of this one. Delete the folder ${folder} to start anew, its record included, or choose another with --state DIR.`,
  });
  await openings.closeAll();
  state.release();
});
