import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';
import { policiesFolder } from '../policies/samples.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';
import { startSlackDouble } from '../support/slack-double.ts';

const main = fileURLToPath(new URL('../../runtime/approvals/main.ts', import.meta.url));

test('the process answers, says without a secret that it listens, and ends on SIGTERM with 0', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-approvals-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await assemblePolicyBundle(policiesFolder, join(folder, 'policy'));
  const { endpoint } = await openTestDynamo(t);
  const slack = await startSlackDouble();
  t.after(() => slack.close());
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: '0',
      PUBLIC_URL: 'http://127.0.0.1',
      SLACK_BOT_TOKEN: slack.token,
      SLACK_APP_TOKEN: slack.appToken,
      SLACK_CHANNELS: `acme=${slack.channel}`,
      SLACK_API_URL: slack.apiUrl,
      POLICY_DIR: join(folder, 'policy'),
      AUDIT_DIR: join(folder, 'audit'),
      TABLE_PREFIX: tablePrefix,
      DYNAMODB_ENDPOINT: endpoint,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    child.on('exit', () => reject(new Error(said.join(''))));
    createInterface(child.stdout).on('line', (line) => {
      said.push(line);
      const { msg, url: at } = JSON.parse(line) as { readonly msg: string; readonly url?: string };
      if (msg === 'approvals listen' && at !== undefined) resolve(at);
    });
  });
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null], said.join('\n'));
  for (const secret of [slack.token, slack.appToken]) assert.ok(!said.join('').includes(secret));
});
