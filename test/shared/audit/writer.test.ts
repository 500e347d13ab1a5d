import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AuditRecord } from '../../../runtime/contract/audit-event.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { auditEvent, openTestWriter, testFolder } from '../../support/audit-events.ts';

const dayFile = 'audit/calls/tenant=acme/dt=2026-11-21/gw-1-000000000001.jsonl';

test('an append resolves only after its line is in the file', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  for (let n = 0; n < 20; n += 1) {
    await writer.append(auditEvent({ call_id: `call-${n}` }));
    assert.match(readFileSync(join(folder, dayFile), 'utf8'), new RegExp(`"call_id":"call-${n}".*\n$`));
  }
  await writer.close();
});

test('a restart goes on with the chain, and verify finds every run whole', async (t) => {
  const folder = testFolder(t);
  for (const run of [1, 2, 3]) {
    const writer = await openTestWriter(folder);
    const record = await writer.append(auditEvent({ call_id: `run-${run}` }));
    assert.equal(record.seq, run * 3 - 1);
    await writer.close();
  }
  const result = await verifyAuditDirectory(join(folder, 'audit'));
  assert.deepEqual(result.findings, []);
  assert.equal(result.chains[0]?.records, 9);
  assert.deepEqual(result.chains[0]?.notes, []);
});

test('16 callers at once on three tenants: every chain is whole and every answer is in it once', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  const answers = (
    await Promise.all(
      Array.from({ length: 16 }, async (_, lane) => {
        const own: AuditRecord[] = [];
        for (let n = 0; n < 50; n += 1) {
          const tenant = ['acme', 'globex', '_unknown'][n % 3] as string;
          own.push(await writer.append(auditEvent({ tenant, call_id: `${lane}-${n}` })));
        }
        return own;
      }),
    )
  ).flat();
  await writer.close();
  const result = await verifyAuditDirectory(join(folder, 'audit'));
  assert.deepEqual(result.findings, []);
  assert.equal(new Set(answers.map(({ tenant, seq }) => `${tenant} ${seq}`)).size, 800);
  assert.deepEqual(
    result.chains.map(({ tenant, records }) => [tenant, records]),
    [
      ['_unknown', 16 * 16 + 2],
      ['acme', 16 * 17 + 2],
      ['globex', 16 * 17 + 2],
    ],
  );
});

test('events gather while a write is under way', async (t) => {
  const folder = testFolder(t);
  const { localFiles } = await import('../../../runtime/shared/audit/audit-files.ts');
  let writes = 0;
  const files = {
    ...localFiles,
    write(fd: number, bytes: Uint8Array) {
      writes += 1;
      return localFiles.write(fd, bytes);
    },
  };
  const writer = await openTestWriter(folder, { files });
  await Promise.all(Array.from({ length: 500 }, () => writer.append(auditEvent())));
  assert.equal(writes, 1, 'one burst is one write');
  await writer.close();
});

test('a record lies under the date of its time, and a full file is followed by a new one', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder, { fileBytesMax: 2000 });
  for (const time of ['2026-11-21T23:59:59.999Z', '2026-11-22T00:00:00.000Z', '2026-11-21T23:59:59.998Z'])
    for (let n = 0; n < 4; n += 1) await writer.append(auditEvent({ time }));
  await writer.close();
  const dates = readdirSync(join(folder, 'audit/calls/tenant=acme')).sort();
  assert.deepEqual(dates, ['dt=2026-11-21', 'dt=2026-11-22']);
  const result = await verifyAuditDirectory(join(folder, 'audit'));
  assert.deepEqual(result.findings, []);
  assert.ok((result.chains[0]?.files ?? 0) >= 5, 'both the date and the size start files');
});

test('records, heads and keys are for their owner only; the private key is not among them', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  await writer.append(auditEvent());
  await writer.close();
  const mode = (path: string) => statSync(join(folder, path)).mode & 0o777;
  assert.equal(mode(dayFile), 0o600);
  assert.equal(mode('audit/calls'), 0o700);
  assert.equal(mode('keys/audit-signing-key.json'), 0o600);
  for (const path of readdirSync(join(folder, 'audit'), { recursive: true, encoding: 'utf8' })) {
    if (statSync(join(folder, 'audit', path)).isFile())
      assert.ok(!/"d":"/.test(readFileSync(join(folder, 'audit', path), 'utf8')), `${path} holds no private key`);
  }
});

test('a closed writer refuses, and closing twice is closing once', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  await writer.append(auditEvent());
  await Promise.all([writer.close(), writer.close()]);
  await assert.rejects(writer.append(auditEvent()), { name: 'Refusal', code: 'audit_unavailable' });
  assert.equal(readFileSync(join(folder, dayFile), 'utf8').split('\n').length, 4);
});

test('a callback that throws does not touch the record', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder, {
    onRecord() {
      throw new Error('the terminal is gone');
    },
  });
  assert.equal((await writer.append(auditEvent())).seq, 2);
  await writer.close();
  assert.equal((await verifyAuditDirectory(join(folder, 'audit'))).isIntact, true);
});

test('many tenants at once stay within a bound of open files', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  const tenants = Array.from({ length: 300 }, (_, n) => `tenant-${n}`);
  for (const _ of [1, 2]) await Promise.all(tenants.map((tenant) => writer.append(auditEvent({ tenant }))));
  // It waits for what the appends before it left to do.
  await writer.append(auditEvent({ tenant: 'tenant-0' }));
  if (process.platform === 'linux') {
    const open = readdirSync('/proc/self/fd').length;
    assert.ok(open < 150, `${open} files are open`);
  }
  await writer.close();
  const result = await verifyAuditDirectory(join(folder, 'audit'));
  assert.deepEqual([result.isIntact, result.chains.length], [true, 300]);
});
