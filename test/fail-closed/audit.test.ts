import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AuditFiles, localFiles } from '../../runtime/shared/audit/audit-files.ts';
import { openAuditWriter } from '../../runtime/shared/audit/open-audit-writer.ts';
import { verifyAuditDirectory } from '../../runtime/shared/audit/verify-audit-directory.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { closeAndVerify, expectNo, expectYes } from '../support/expect-wired.ts';
import { openWiredGateway, type WiredGateway } from '../support/wired-gateway.ts';

const withheld = { status: 503, isRecorded: false, reachesUpstream: true } as const;
const untouched = { status: 503, isRecorded: false } as const;

/** Whatever a message would have come to, it is answered with audit_unavailable and nothing else. */
async function expectNothingAnswered(world: WiredGateway): Promise<void> {
  const answer = await expectNo(world, 'audit_unavailable', withheld);
  assert.doesNotMatch(answer.text, /hello/, 'the result stays here');
  await expectNo(world, 'audit_unavailable', untouched, { tool: 'no.such' });
  await expectNo(world, 'audit_unavailable', untouched, { token: 'x' });
  await expectNo(world, 'audit_unavailable', untouched, { method: 'tools/list' });
}

test('an audit directory that is gone under way: no message is answered, and readiness says so; back, the chain goes on', async (t) => {
  const world = await openWiredGateway(t);
  await expectYes(world);
  renameSync(world.auditDir, join(world.folder, 'elsewhere'));
  await expectNothingAnswered(world);
  assert.deepEqual(await world.problems(), ['the audit record cannot be written']);
  renameSync(join(world.folder, 'elsewhere'), world.auditDir);
  await expectYes(world);
  assert.deepEqual(await world.problems(), []);
  assert.deepEqual(await closeAndVerify(world), []);
});

const fault = (code: string) => Object.assign(new Error(`${code}: made by a test`), { code });

const disks: Readonly<Record<string, Partial<AuditFiles>>> = {
  'is full in the middle of a line': {
    write: async (fd, bytes) => {
      await localFiles.write(fd, bytes.subarray(0, bytes.length >> 1));
      throw fault('ENOSPC');
    },
  },
  'is read-only': {
    open: () => Promise.reject(fault('EROFS')),
    write: () => Promise.reject(fault('EROFS')),
    truncate: () => Promise.reject(fault('EROFS')),
  },
  'says I/O error': { write: () => Promise.reject(fault('EIO')) },
  'answers too late': {
    write: async (...args) => {
      await late.promise;
      await localFiles.write(...args);
    },
  },
};
const late = Promise.withResolvers<void>();

for (const [what, faults] of Object.entries(disks)) {
  test(`a disk that ${what}: no message is answered until it is over, and the chain goes on whole`, async (t) => {
    let now: Partial<AuditFiles> = {};
    const records: string[] = [];
    const world = await openWiredGateway(t, {
      replace: async (deps, { folder }) => {
        const files = Object.fromEntries(
          Object.entries(localFiles).map(([name, real]) => [
            name,
            (...args: never[]) => ((now as Record<string, typeof real>)[name] ?? real)(...(args as [never, never])),
          ]),
        ) as unknown as AuditFiles;
        const audit = await openAuditWriter({
          directory: join(folder, 'faulty'),
          writer: 'gateway',
          now: deps.now,
          logger: silentLogger(),
          deadlineMs: 500,
          files,
          onRecord: ({ event, call_id }) => void (event === 'mcp_call' && records.push(call_id)),
        });
        t.after(() => audit.close());
        return { audit };
      },
    });
    const first = await world.send();
    assert.equal(first.status, 200, first.text);
    now = faults;
    await expectNothingAnswered(world);
    now = {};
    if (what === 'answers too late') late.resolve();
    let last = await world.send();
    for (let i = 0; i < 200 && last.status !== 200; i += 1) last = await world.send();
    assert.equal(last.status, 200, last.text);
    assert.deepEqual(
      [records.at(0), records.at(-1)],
      [first, last].map(({ headers }) => headers['x-call-id']),
    );
    // What the disk took too late stays: that call may have run.
    if (what !== 'answers too late') assert.equal(records.length, 2, 'what was refused is not there');
    assert.deepEqual((await verifyAuditDirectory(join(world.folder, 'faulty'))).findings, []);
  });
}
