import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import { obtainToken } from '../../runtime/local/obtain-token.ts';
import { approverAtPage } from '../support/approver-at-page.ts';
import { command, fileOf, folder, root, start } from '../support/dev-process.ts';
import { waitFor } from '../support/workflow-world.ts';

/** What `npm start` says when it is ready. */
interface Ready {
  readonly issuer: string;
  readonly approvals: string;
  readonly servers: Readonly<Record<string, string>>;
}

const signIn = (url: string, redirectUri: string, user: string) => driveSignIn(url, redirectUri, { user });

/** Of the same person through the same client each time, whose keys die with the process. */
function tokenOf({ issuer, servers }: Ready): Promise<string> {
  return obtainToken({ issuer, user: 'oscar', resource: servers.write ?? '', scope: 'postgres:query:write' });
}

/** A change of `sku`, as the legacy era sends it: the answer says in words what to do. */
async function change({ servers }: Ready, sku: string, token: string): Promise<string> {
  const answer = await fetch(servers.write ?? '', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-06-18',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'postgres.write',
        arguments: { sql: `update products set stock = 4711 where sku = '${sku}'` },
      },
    }),
  });
  return answer.text();
}

test('npm start that is killed with open questions goes on with them: one is answered after it, and the answer before it counts', async (t) => {
  const path = folder(t);
  const state = join(path, 'state');
  const open = async (name: string): Promise<Ready & { kill(): Promise<void> }> => {
    const file = join(path, name);
    const started = start(t, ['--port', '0', '--state', state, '--ready-file', file]);
    const ready = JSON.parse(await fileOf(file, started)) as Ready;
    return {
      ...ready,
      kill: async () => {
        started.child.kill('SIGKILL');
        await started.exit;
      },
    };
  };
  let token = '';
  /** Until the answer says this; a busy machine says that it cannot right now. */
  const until = async (platform: Ready, sku: string, says: RegExp): Promise<string> => {
    let text = '';
    const isSaid = async () => {
      text = await change(platform, sku, token);
      return says.test(text);
    };
    await waitFor(isSaid, 60_000).catch((cause: unknown) => assert.fail(`${cause}: ${text}`));
    return text;
  };

  const first = await open('first.json');
  token = await tokenOf(first);
  const waits = /APPROVAL_REQUIRED id=([\w-]{22})/;
  const ids = await Promise.all(
    ['SKU-0011', 'SKU-0012'].map(async (sku) => waits.exec(await until(first, sku, waits))?.[1] ?? ''),
  );
  const ada = await approverAtPage({ ...first, user: 'ada', signIn });
  await ada.answer(ids[0] ?? '', 'approve');
  await first.kill();

  const second = await open('second.json');
  token = await tokenOf(second);
  const ran = /rows_affected/;
  await until(second, 'SKU-0011', ran);
  assert.equal(waits.exec(await until(second, 'SKU-0012', waits))?.[1], ids[1], 'it is the same question');
  const again = await approverAtPage({ ...second, user: 'ada', signIn });
  await again.answer(ids[1] ?? '', 'approve');
  await until(second, 'SKU-0012', ran);
  await second.kill();
  // Ends with something else than 0 when a record is missing or broken.
  execFileSync(process.execPath, [command, 'audit', 'verify', join(state, 'audit')], { cwd: root });
});
