import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command, fileOf, folder, root, start } from '../support/dev-process.ts';

test('a call that cannot be recorded is told in the terminal, with the reason', async (t) => {
  const path = folder(t);
  const state = join(path, 'state');
  const started = start(t, ['--port', '0', '--state', state, '--ready-file', join(path, 'ready.json')]);
  const ready = JSON.parse(await fileOf(join(path, 'ready.json'), started));
  rmSync(join(state, 'audit', 'calls'), { recursive: true });
  writeFileSync(join(state, 'audit', 'calls'), '');
  const answer = await fetch(ready.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  assert.equal(answer.status, 503);
  started.child.kill('SIGINT');
  await started.exit;
  assert.match(
    started.output(),
    /failed: audit_unavailable, The call cannot be recorded, so it is not answered\. \(.+\)/,
  );
});

test('a closed terminal does not keep the platform from closing its record', async (t) => {
  const path = folder(t);
  const state = join(path, 'state');
  const started = start(t, ['--port', '0', '--state', state, '--ready-file', join(path, 'ready.json')]);
  const ready = JSON.parse(await fileOf(join(path, 'ready.json'), started));
  // Nobody reads any more: the next line that the platform writes fails with EPIPE.
  started.child.stdout?.destroy();
  started.child.stderr?.destroy();
  for (let call = 0; call < 3; call += 1) {
    const { status } = await fetch(ready.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(status, 401);
  }
  started.child.kill('SIGTERM');
  assert.equal(await started.exit, 0);
  const verified = execFileSync(process.execPath, [command, 'audit', 'verify', join(state, 'audit')], {
    encoding: 'utf8',
    cwd: root,
  });
  assert.match(verified, /^INTACT: /m);
  assert.doesNotMatch(verified, /without writer_closed/);
});
