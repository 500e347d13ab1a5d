import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeEvent, encodeRecord } from '../../../runtime/shared/audit/encode-event.ts';
import { auditEvent, testFolder } from '../../support/audit-events.ts';

const verifier = new URL('../../../runtime/shared/audit/verify-audit-directory.ts', import.meta.url).href;

test('the verifier needs little memory, however long the files and their lines are', (t) => {
  const directory = testFolder(t);
  const folder = join(directory, 'calls/tenant=acme/dt=2026-11-21');
  mkdirSync(folder, { recursive: true });
  const { members } = encodeEvent(auditEvent({ response: 'x'.repeat(8000) }));
  const file = openSync(join(folder, 'gw-1-000000000001.jsonl'), 'w');
  let prev = '0'.repeat(64);
  let text = '';
  for (let seq = 1; seq <= 15_000; seq += 1) {
    const line = encodeRecord('gw-1', seq, prev, members);
    prev = createHash('sha256').update(line).digest('hex');
    text += `${line}\n`;
    if (seq % 100 === 0) {
      writeSync(file, text);
      text = '';
    }
  }
  closeSync(file);
  // One line of 300 MB, which takes no space on the disk.
  writeFileSync(join(folder, 'gw-1-000000015001.jsonl'), '');
  truncateSync(join(folder, 'gw-1-000000015001.jsonl'), 300_000_000);
  const program = `
    const { verifyAuditDirectory } = await import(${JSON.stringify(verifier)});
    const before = process.resourceUsage().maxRSS;
    const { chains } = await verifyAuditDirectory(${JSON.stringify(directory)});
    process.stdout.write(JSON.stringify({ chains, grownKiB: process.resourceUsage().maxRSS - before }));`;
  const run = spawnSync(process.execPath, ['--input-type=module', '--max-old-space-size=64', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(run.status, 0, run.stderr);
  const { chains, grownKiB } = JSON.parse(run.stdout);
  assert.equal(chains[0].records, 15_000);
  assert.ok(grownKiB < 128 * 1024, `${grownKiB} KiB for 425 MB`);
});
