import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AuditFiles, localFiles } from '../../../runtime/shared/audit/audit-files.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { auditEvent, isAuditUnavailable, openTestWriter, testFolder } from '../../support/audit-events.ts';

const dayFile = 'audit/calls/tenant=acme/dt=2026-11-21/gw-1-000000000001.jsonl';

/** A file system whose parts fail on demand. */
function brokenFiles() {
  const faults: Partial<AuditFiles> = {};
  const files: AuditFiles = {
    open: (...args) => (faults.open ?? localFiles.open)(...args),
    write: (...args) => (faults.write ?? localFiles.write)(...args),
    look: (...args) => (faults.look ?? localFiles.look)(...args),
    truncate: (...args) => (faults.truncate ?? localFiles.truncate)(...args),
    writeCached: (...args) => (faults.writeCached ?? localFiles.writeCached)(...args),
    close: (...args) => (faults.close ?? localFiles.close)(...args),
  };
  return { faults: faults as { -readonly [K in keyof AuditFiles]?: AuditFiles[K] }, files };
}

function fault(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}

const failing: Readonly<Record<string, (faults: ReturnType<typeof brokenFiles>['faults']) => void>> = {
  'a full disk that takes half of the batch': (faults) => {
    faults.write = async (fd, bytes) => {
      await localFiles.write(fd, bytes.subarray(0, bytes.length >> 1));
      throw fault('ENOSPC');
    };
  },
  'a write that fails after all bytes are in the file': (faults) => {
    faults.write = async (fd, bytes) => {
      await localFiles.write(fd, bytes);
      throw fault('EIO');
    };
  },
  'a read-only file system, on which nothing can be mended either': (faults) => {
    const readOnly = () => Promise.reject(fault('EROFS'));
    faults.write = async (fd, bytes) => {
      await localFiles.write(fd, bytes.subarray(0, 7));
      throw fault('EROFS');
    };
    faults.open = readOnly;
    faults.truncate = readOnly;
  },
  'a head that cannot be stored': (faults) => {
    faults.writeCached = () => {
      throw fault('ENOSPC');
    };
  },
  'a file descriptor that went bad': (faults) => {
    faults.write = () => Promise.reject(fault('EBADF'));
  },
};

for (const [name, breakIt] of Object.entries(failing)) {
  test(`${name}: refused, and when it is over the chain goes on whole`, async (t) => {
    const folder = testFolder(t);
    const { faults, files } = brokenFiles();
    const writer = await openTestWriter(folder, { files });
    await writer.append(auditEvent({ call_id: 'before' }));
    breakIt(faults);
    for (const _ of [1, 2]) {
      const answers = await Promise.allSettled([1, 2, 3].map(() => writer.append(auditEvent({ call_id: 'during' }))));
      for (const answer of answers) {
        assert.equal(answer.status, 'rejected');
        assert.deepEqual({ name: answer.reason.name, code: answer.reason.code }, isAuditUnavailable);
      }
      assert.equal(writer.status().isWriting, false);
    }
    for (const key of Object.keys(faults)) delete faults[key as keyof AuditFiles];
    await writer.append(auditEvent({ call_id: 'after' }));
    assert.deepEqual(writer.status().isWriting, true);
    await writer.close();
    const text = readFileSync(join(folder, dayFile), 'utf8');
    const ids = text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).call_id);
    assert.deepEqual(
      ids.filter((id) => ['before', 'during', 'after'].includes(id)),
      ['before', 'after'],
    );
    assert.deepEqual((await verifyAuditDirectory(join(folder, 'audit'))).findings, []);
  });
}

test('the writer finds out by itself that the disk is back, without a call', async (t) => {
  const folder = testFolder(t);
  const { faults, files } = brokenFiles();
  let hasProbed = (): void => undefined;
  const probed = new Promise<void>((resolve) => {
    hasProbed = resolve;
  });
  const logger = { info: hasProbed, warn() {}, error() {} } as never;
  const writer = await openTestWriter(folder, { files, logger });
  faults.write = () => Promise.reject(fault('ENOSPC'));
  await assert.rejects(writer.append(auditEvent()), isAuditUnavailable);
  assert.deepEqual(writer.status().problem, 'the disk is full');
  delete faults.write;
  // The probe's timer keeps no process alive.
  const alive = setInterval(() => undefined, 1000);
  await probed;
  clearInterval(alive);
  assert.equal(writer.status().isWriting, true);
  await writer.close();
});

test('a slow disk refuses at the deadline, and no later append waits for it', async (t) => {
  const folder = testFolder(t);
  const { faults, files } = brokenFiles();
  const writer = await openTestWriter(folder, { files, deadlineMs: 200 });
  await writer.append(auditEvent({ call_id: 'before' }));
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const isWriting = new Promise<void>((resolve) => {
    faults.write = async (...args) => {
      resolve();
      await held;
      await localFiles.write(...args);
    };
  });
  // The writer's own timers keep nobody awake.
  const alive = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(alive));
  const inFlight = writer.append(auditEvent({ call_id: 'in flight' }));
  await Promise.race([isWriting, inFlight]);
  const queued = writer.append(auditEvent({ call_id: 'queued' }));
  await assert.rejects(inFlight, isAuditUnavailable);
  await assert.rejects(queued, isAuditUnavailable);
  const started = performance.now();
  await assert.rejects(writer.append(auditEvent({ call_id: 'late' })), isAuditUnavailable);
  assert.ok(performance.now() - started < 30, 'refused at once');
  letGo();
  delete faults.write;
  await writer.close();
  const ids = readFileSync(join(folder, dayFile), 'utf8').match(/"call_id":"(before|in flight|queued|late)"/g);
  // What the disk took in the end stays: the call may have run. What never reached it is not there.
  assert.deepEqual(ids, ['"call_id":"before"', '"call_id":"in flight"']);
  assert.equal((await verifyAuditDirectory(join(folder, 'audit'))).isIntact, true);
});

test('beyond the bound of waiting events the next is refused, and those that wait are written', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder, { waitingMax: 8 });
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => writer.append(auditEvent())));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [...Array(8).fill('fulfilled'), ...Array(12).fill('rejected')],
  );
  assert.equal((await writer.append(auditEvent())).seq, 10);
  await writer.close();
});

test('a directory that is moved away refuses; moved back, the chain goes on', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  await writer.append(auditEvent());
  renameSync(join(folder, 'audit'), join(folder, 'elsewhere'));
  await assert.rejects(writer.append(auditEvent({ call_id: 'lost' })), isAuditUnavailable);
  await assert.rejects(writer.append(auditEvent({ call_id: 'lost' })), isAuditUnavailable);
  assert.deepEqual(readdirSync(folder).sort(), ['elsewhere', 'keys'], 'it is not made anew by a call');
  renameSync(join(folder, 'elsewhere'), join(folder, 'audit'));
  assert.equal((await writer.append(auditEvent())).seq, 3);
  await writer.close();
  assert.deepEqual((await verifyAuditDirectory(join(folder, 'audit'))).findings, []);
});

test('records that someone deletes under a running writer: it goes on, and verify says what is missing', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  await writer.append(auditEvent());
  rmSync(join(folder, 'audit'), { recursive: true });
  await assert.rejects(writer.append(auditEvent()), isAuditUnavailable);
  mkdirSync(join(folder, 'audit'));
  assert.equal((await writer.append(auditEvent())).seq, 3);
  await writer.close();
  const { findings } = await verifyAuditDirectory(join(folder, 'audit'));
  assert.ok(findings.some(({ kind }) => kind === 'missing_first_part'));
  assert.ok(findings.some(({ kind }) => kind === 'checkpoint_gap'));
});

test('a file that someone cuts under a running writer is left as it is, and the chain goes on in a new one', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  for (const _ of [1, 2, 3]) await writer.append(auditEvent());
  truncateSync(join(folder, dayFile), 10);
  await assert.rejects(writer.append(auditEvent()), isAuditUnavailable);
  assert.equal((await writer.append(auditEvent())).seq, 5);
  await writer.close();
  const { isIntact, findings } = await verifyAuditDirectory(join(folder, 'audit'));
  assert.equal(isIntact, false);
  assert.ok(findings.every(({ file }) => file.includes('gw-1-00000000000')));
});

test('an audit directory that cannot be made is one clear sentence', async (t) => {
  const folder = testFolder(t);
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(
    openTestWriter(folder, { directory: join(folder, 'file', 'audit') }),
    /^Error: The audit directory .* cannot be written: a part of the path is a file\.$/,
  );
  await assert.rejects(openTestWriter(folder, { writer: '../x' }), /"..\/x" is no name for an audit writer/);
});

test('a signer that fails holds up no call, and its checkpoint follows', async (t) => {
  const folder = testFolder(t);
  const { openSigningKey } = await import('../../../runtime/shared/audit/signing-key.ts');
  const real = openSigningKey(join(folder, 'key.json'));
  let isBroken = false;
  const signer = {
    ...real,
    sign(bytes: Uint8Array) {
      if (isBroken) throw new Error('the KMS is gone');
      return real.sign(bytes);
    },
  };
  const writer = await openTestWriter(folder, { signer, checkpointMs: 1 });
  isBroken = true;
  for (let n = 0; n < 30; n += 1) await writer.append(auditEvent());
  assert.equal(writer.status().checkpoint, 1);
  isBroken = false;
  await writer.close();
  const result = await verifyAuditDirectory(join(folder, 'audit'));
  assert.deepEqual([result.isIntact, result.chains[0]?.signedSeq], [true, 32]);
});
