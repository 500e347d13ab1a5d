import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { sha256Hex } from '../../../runtime/shared/audit/audit-objects.ts';
import { openSigningKey } from '../../../runtime/shared/audit/signing-key.ts';
import type { FindingKind } from '../../../runtime/shared/audit/verification.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { localAuditBucket, openBucketTestWriter } from '../../support/audit-bucket.ts';
import { auditEvent, testFolder } from '../../support/audit-events.ts';

/** A copy of a bucket that two processes wrote, one after the other: three objects of acme each, with two calls in the second. */
async function copied(t: TestContext): Promise<string> {
  const bucket = await localAuditBucket(t);
  const folder = testFolder(t);
  for (const writer of ['a', 'b']) {
    const open = await openBucketTestWriter(folder, bucket.objects, { writer });
    await open.append(auditEvent({ call_id: `${writer}-1` }));
    await Promise.all([2, 3].map((n) => open.append(auditEvent({ call_id: `${writer}-${n}` }))));
    await open.append(auditEvent({ tenant: 'globex', call_id: `${writer}-other` }));
    await open.close();
  }
  return bucket.copy(join(folder, 'copy'));
}

const objectsOf = (directory: string, pattern: RegExp) =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => pattern.test(path))
    .sort();
const linesOf = (path: string) => gunzipSync(readFileSync(path)).toString('latin1').split('\n').slice(0, -1);

/** Writes other lines, under the name that fits them when `isRenamed`: the work of somebody who knows the layout. */
function rewrite(directory: string, path: string, lines: readonly string[], isRenamed = true): string {
  const bytes = gzipSync(lines.map((line) => `${line}\n`).join(''));
  rmSync(join(directory, path));
  const name = isRenamed ? path.replace(/[0-9a-f]{16}\.jsonl\.gz$/, `${sha256Hex(bytes).slice(0, 16)}.jsonl.gz`) : path;
  writeFileSync(join(directory, name), bytes);
  return name;
}

interface Tampering {
  /** Makes the change and gives the file that should be named, with its line. */
  readonly change: (directory: string, objects: readonly string[]) => { file: string; line?: number };
  readonly kinds: readonly FindingKind[];
}

const tamperings: Readonly<Record<string, Tampering>> = {
  'a line that was edited, the object renamed to fit': {
    change: (directory, [, second = '']) => {
      const [first = '', ...rest] = linesOf(join(directory, second));
      return { file: rewrite(directory, second, [first.replace('"alice"', '"mallory"'), ...rest]), line: 1 };
    },
    kinds: ['edited_line'],
  },
  'a line that was edited in an object of the same name': {
    change: (directory, [, second = '']) => {
      const [first = '', ...rest] = linesOf(join(directory, second));
      return { file: rewrite(directory, second, [first.replace('"alice"', '"mallory"'), ...rest], false) };
    },
    kinds: ['edited_object', 'edited_line'],
  },
  'a line that is gone': {
    change: (directory, [, second = '']) => ({
      file: rewrite(directory, second, linesOf(join(directory, second)).slice(1)),
      line: 1,
    }),
    kinds: ['gap'],
  },
  'two lines that were swapped': {
    change: (directory, [, second = '']) => ({
      file: rewrite(directory, second, linesOf(join(directory, second)).toReversed()),
      line: 1,
    }),
    kinds: ['gap', 'out_of_order'],
  },
  'a line that stands twice': {
    change: (directory, [, second = '']) => {
      const [first = '', ...rest] = linesOf(join(directory, second));
      return { file: rewrite(directory, second, [first, first, ...rest]), line: 2 };
    },
    kinds: ['out_of_order'],
  },
  'an object that is gone': {
    change: (directory, [, second = '', third = '']) => {
      rmSync(join(directory, second));
      return { file: third };
    },
    kinds: ['missing_file'],
  },
  'the first object gone': {
    change: (directory, [first = '', second = '']) => {
      rmSync(join(directory, first));
      return { file: second };
    },
    kinds: ['missing_first_part'],
  },
  'the last object gone': {
    change: (directory, [, second = '', third = '']) => {
      rmSync(join(directory, third));
      return { file: second };
    },
    kinds: ['cut_tail'],
  },
  'an object that is there twice': {
    change: (directory, [, second = '']) => {
      const twice = second.replace(/[0-9a-f]{16}\.jsonl\.gz$/, 'ffffffffffffffff.jsonl.gz');
      copyFileSync(join(directory, second), join(directory, twice));
      return { file: twice };
    },
    kinds: ['edited_object', 'out_of_order'],
  },
  'an object of another tenant': {
    change: (directory, [, second = '']) => {
      const moved = second.replace('tenant=acme', 'tenant=globex');
      renameSync(join(directory, second), join(directory, moved));
      return { file: moved, line: 1 };
    },
    kinds: ['foreign_line', 'missing_file'],
  },
  'an object under another hour': {
    change: (directory, [, second = '']) => {
      const moved = second.replace('hour=10', 'hour=11');
      mkdirSync(dirname(join(directory, moved)), { recursive: true });
      renameSync(join(directory, second), join(directory, moved));
      return { file: moved, line: 1 };
    },
    kinds: ['wrong_date'],
  },
  'an object that was cut': {
    change: (directory, [, second = '']) => {
      const bytes = readFileSync(join(directory, second));
      writeFileSync(join(directory, second), bytes.subarray(0, bytes.length >> 1));
      return { file: second };
    },
    kinds: ['edited_object'],
  },
  'an object that is no gzip': {
    change: (directory, [, second = '']) => {
      writeFileSync(join(directory, second), 'not gzip');
      return { file: second, line: 1 };
    },
    kinds: ['edited_object'],
  },
  'something after the gzip': {
    change: (directory, [, second = '']) => {
      writeFileSync(
        join(directory, second),
        Buffer.concat([readFileSync(join(directory, second)), gzipSync('{"v":1}\n')]),
      );
      return { file: second };
    },
    kinds: ['edited_object', 'unparsable_line'],
  },
  'an object with a name of the other layout': {
    change: (directory, [, second = '']) => {
      const renamed = second.replace(/-[0-9a-f]{16}\.jsonl\.gz$/, '.jsonl.gz');
      renameSync(join(directory, second), join(directory, renamed));
      return { file: renamed };
    },
    kinds: ['misnamed_file', 'missing_file'],
  },
};

for (const [name, { change, kinds }] of Object.entries(tamperings)) {
  test(`${name} is found by file and line`, async (t) => {
    const directory = await copied(t);
    assert.deepEqual((await verifyAuditDirectory(directory)).findings, []);
    const place = change(directory, objectsOf(directory, /tenant=acme.*\/a-.*\.gz$/));
    const { findings, chains } = await verifyAuditDirectory(directory);
    for (const kind of kinds)
      assert.ok(
        findings.some((finding) => finding.kind === kind),
        `${kind}: ${JSON.stringify(findings)}`,
      );
    assert.ok(
      findings.some(({ file, line }) => file === place.file && (place.line === undefined || line === place.line)),
      JSON.stringify({ place, findings }),
    );
    assert.ok(
      chains.filter(({ writer }) => writer.startsWith('b-')).every(({ isIntact }) => isIntact),
      'only where it is',
    );
  });
}

test('checkpoints that are gone, swapped or signed by a foreign key are found by file', async (t) => {
  const heads = /heads\/a-.*\.jws$/;
  const gone = await copied(t);
  const [first = '', last = ''] = objectsOf(gone, heads);
  rmSync(join(gone, first));
  const afterGone = (await verifyAuditDirectory(gone)).findings;
  assert.deepEqual(
    afterGone.map(({ kind, file }) => [kind, file]),
    [['checkpoint_gap', last]],
  );

  const swapped = await copied(t);
  const [one = '', two = ''] = objectsOf(swapped, heads);
  const text = readFileSync(join(swapped, one));
  copyFileSync(join(swapped, two), join(swapped, one));
  writeFileSync(join(swapped, two), text);
  assert.equal((await verifyAuditDirectory(swapped)).isIntact, false);

  const all = await copied(t);
  for (const path of objectsOf(all, heads)) rmSync(join(all, path));
  const missing = (await verifyAuditDirectory(all)).findings.filter(({ kind }) => kind === 'checkpoints_missing');
  assert.match(missing[0]?.file ?? '', /^heads\/a-/);

  const foreign = await copied(t);
  const other = openSigningKey(join(testFolder(t), 'other.json'));
  const publicKey = JSON.stringify(other.publicKey);
  const { findings } = await verifyAuditDirectory(foreign, { publicKey });
  assert.equal(findings.filter(({ kind }) => kind === 'key_unknown').length, 2, 'once a writer');
  assert.match(findings[0]?.file ?? '', /^heads\/[ab]-.*\/000000000001-[0-9a-f]{16}\.jws$/);
});

test('a checkpoint that was kept outside proves that the newest one was removed', async (t) => {
  const directory = await copied(t);
  const last = objectsOf(directory, /heads\/a-.*\.jws$/).at(-1) ?? '';
  const expectHead = readFileSync(join(directory, last), 'utf8');
  assert.equal((await verifyAuditDirectory(directory, { expectHead })).isIntact, true);
  rmSync(join(directory, last));
  assert.equal((await verifyAuditDirectory(directory)).isIntact, true, 'nothing in the copy shows it');
  const { findings } = await verifyAuditDirectory(directory, { expectHead });
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['rolled_back'],
  );
});

test('every changed byte of every object of records is found', async (t) => {
  const directory = await copied(t);
  for (const path of objectsOf(directory, /\.jsonl\.gz$/)) {
    const bytes = readFileSync(join(directory, path));
    for (let at = 0; at < bytes.length; at += 37) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      writeFileSync(join(directory, path), changed);
      assert.equal((await verifyAuditDirectory(directory)).isIntact, false, `${path} byte ${at}`);
    }
    writeFileSync(join(directory, path), bytes);
  }
});

test('a key that a writer planted beside the platform’s is told apart, and is nothing once the key is pinned', async (t) => {
  const bucket = await localAuditBucket(t);
  const [own, forgers] = [testFolder(t), testFolder(t)];
  for (const [folder, writer] of [
    [own, 'gateway'],
    [forgers, 'tools_evil'],
  ] as const) {
    // Each publishes the key that it signs with, as any service may.
    const open = await openBucketTestWriter(folder, bucket.objects, { writer });
    await open.append(auditEvent());
    await open.close();
  }
  const copy = await bucket.copy(join(own, 'copy'));
  const { kid, publicKey } = openSigningKey(join(own, 'keys', 'key.json'));
  const trusting = await verifyAuditDirectory(copy);
  const [note = ''] = trusting.notes.filter((each) => each.includes('signed'));
  assert.match(note, /^2 keys of the copy were believed: .*signed for gateway-2026\S+.*signed for tools_evil-2026/);
  assert.ok(note.includes(kid));
  const pinned = await verifyAuditDirectory(copy, { publicKey: JSON.stringify(publicKey) });
  assert.deepEqual(
    pinned.chains.map(({ writer, isIntact }) => [writer.split('-')[0], isIntact]),
    [
      ['gateway', true],
      ['tools_evil', false],
    ],
  );
  assert.deepEqual(
    pinned.notes.filter((each) => each.includes('signed')),
    [],
  );
});

test('an object that is planted to be unpacked for hours is left when it is larger than any of ours', async (t) => {
  const directory = await copied(t);
  const [last = ''] = objectsOf(directory, /tenant=acme.*\/a-.*\.gz$/).slice(-1);
  // Ten zeros of a gigabyte are 10 MB; these show the same.
  const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024));
  const name = `-000000000099-${sha256Hex(bomb).slice(0, 16)}.jsonl.gz`;
  const planted = last.replace(/-\d{12}-[0-9a-f]{16}\.jsonl\.gz$/, name);
  writeFileSync(join(directory, planted), bomb);
  const { findings } = await verifyAuditDirectory(directory);
  assert.deepEqual(
    findings.filter(({ file }) => file === planted).map(({ kind }) => kind),
    ['missing_file', 'edited_object'],
  );
});
