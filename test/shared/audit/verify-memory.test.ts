import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { signCheckpoint } from '../../../runtime/shared/audit/checkpoint.ts';
import { encodeEvent, encodeRecord } from '../../../runtime/shared/audit/encode-event.ts';
import { openSigningKey } from '../../../runtime/shared/audit/signing-key.ts';
import { createFindings } from '../../../runtime/shared/audit/verification.ts';
import { createSignedStore, trustedKeys, verifyCheckpoints } from '../../../runtime/shared/audit/verify-checkpoints.ts';
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

test('what checkpoints sign is kept in the memory of one writer, however many processes there were', async (t) => {
  const directory = testFolder(t);
  const signer = openSigningKey(join(directory, 'key.json'));
  mkdirSync(join(directory, 'heads'));
  const writers = Array.from({ length: 20 }, (_, n) => `gw-${n}`);
  for (const writer of writers) {
    const lines: string[] = [];
    for (let n = 1; n <= 100; n += 1) {
      const prev = createHash('sha256')
        .update(lines.at(-1) ?? '')
        .digest('hex');
      const heads = { acme: { seq: n * 10, hash: 'a'.repeat(64) }, globex: { seq: n, hash: 'b'.repeat(64) } };
      const about = { v: 1, writer, n, time: '2026-11-21T10:00:00.000Z', kind: 'changed' } as const;
      lines.push(await signCheckpoint({ ...about, prev: n === 1 ? '0'.repeat(64) : prev, heads }, signer));
    }
    writeFileSync(join(directory, `heads/${writer}.jsonl`), `${lines.join('\n')}\n`);
  }
  const findings = createFindings();
  const store = createSignedStore(500);
  const keys = trustedKeys(directory, JSON.stringify(signer.publicKey));
  for (const writer of writers) {
    const { signed } = await verifyCheckpoints(directory, writer, keys, undefined, findings, store);
    assert.ok(store.kept() <= 600, `${store.kept()} after ${writer}`);
    // The newest speaks for the whole chain.
    assert.ok(signed.get('acme')?.has(1000) && signed.get('globex')?.has(100));
  }
  for (const writer of writers) assert.ok(store.ofWriter(writer).get('acme')?.has(1000), writer);
  assert.deepEqual(findings.list, []);
});

test('a checkpoint of a process with ten thousand tenants is one, in a file and as an object', async (t) => {
  const directory = testFolder(t);
  const signer = openSigningKey(join(directory, 'key.json'));
  const head = { seq: 1, hash: 'a'.repeat(64) };
  const heads = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`tenant-with-a-name-${n}`, head]));
  const about = { v: 1, n: 1, prev: '0'.repeat(64), time: '2026-11-21T10:00:00.000Z', kind: 'closed', heads } as const;
  mkdirSync(join(directory, 'heads/object'), { recursive: true });
  const [file, object] = await Promise.all(
    ['file', 'object'].map((writer) => signCheckpoint({ ...about, writer }, signer)),
  );
  writeFileSync(join(directory, 'heads/file.jsonl'), `${file}\n`);
  writeFileSync(join(directory, 'heads/object/000000000001-0123456789abcdef.jws'), object ?? '');
  const findings = createFindings();
  const keys = trustedKeys(directory, JSON.stringify(signer.publicKey));
  for (const writer of ['file', 'object']) {
    const { signed } = await verifyCheckpoints(directory, writer, keys, undefined, findings);
    assert.equal(signed.size, 10_000, writer);
  }
  assert.deepEqual(findings.list, []);
});
