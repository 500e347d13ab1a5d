import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { AuditEventKind, AuditOutcome } from '../../../runtime/contract/audit-event.ts';
import { openSigningKey } from '../../../runtime/shared/audit/signing-key.ts';
import type { FindingKind } from '../../../runtime/shared/audit/verification.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { auditEvent, openTestWriter, testFolder } from '../../support/audit-events.ts';

const dayFolder = 'calls/tenant=acme/dt=2026-11-21';

/** An audit directory with some records of two tenants, closed. */
async function recorded(t: TestContext, count = 6, but = {}): Promise<string> {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder, but);
  for (let n = 1; n <= count; n += 1)
    for (const tenant of ['acme', 'globex']) await writer.append(auditEvent({ tenant, call_id: `call-${n}` }));
  await writer.close();
  return join(folder, 'audit');
}

const linesOf = (path: string) => readFileSync(path, 'latin1').split('\n').slice(0, -1);
const writeLines = (path: string, lines: readonly string[]) =>
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''), 'latin1');

test('every single change to random records is found', async (t) => {
  const folder = testFolder(t);
  let count = 0;
  const event = fc.record({
    call_id: fc.string({ maxLength: 12, unit: 'binary' }),
    event: fc.constantFrom<AuditEventKind>('mcp_call', 'mcp_call_intent', 'http_refusal'),
    outcome: fc.constantFrom<AuditOutcome>('ok', 'tool_error', 'refused'),
    arguments: fc.jsonValue() as fc.Arbitrary<never>,
    tenant: fc.constantFrom('acme', 'globex'),
    time: fc.constantFrom('2026-11-21T10:00:00.000Z', '2026-11-22T00:00:00.001Z'),
  });
  const change = fc.constantFrom(
    'edit',
    'delete',
    'swap',
    'tail',
    'duplicate',
    'truncate',
    'remove',
    'copy',
    'move',
    'date',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 4, maxLength: 12 }),
      change,
      fc.nat(),
      fc.nat(),
      async (events, how, a, b) => {
        count += 1;
        const root = join(folder, String(count));
        const writer = await openTestWriter(root, { keyFile: join(folder, 'key.json') });
        await Promise.all(events.map((one) => writer.append(auditEvent(one))));
        await writer.close();
        const directory = join(root, 'audit');
        assert.deepEqual((await verifyAuditDirectory(directory)).findings, []);
        const what = tamper(directory, how, a, b);
        if (what !== undefined)
          assert.equal((await verifyAuditDirectory(directory)).isIntact, false, `${how}: ${what} was not found`);
        rmSync(root, { recursive: true });
      },
    ),
    { numRuns: 120 },
  );
});

/** Makes one change and says which; undefined when there is nothing that it could change. */
function tamper(directory: string, how: string, a: number, b: number): string | undefined {
  const files = readdirSync(join(directory, 'calls'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
  const name = files[a % files.length] as string;
  const path = join(directory, 'calls', name);
  const lines = linesOf(path);
  const at = b % lines.length;
  const place = `${name} line ${at + 1}`;
  if (how === 'edit') {
    const bytes = readFileSync(path);
    const index = b % bytes.length;
    bytes[index] = (bytes[index] as number) ^ (1 + (a % 127));
    writeFileSync(path, bytes);
    return `${name} byte ${index}`;
  }
  if (how === 'delete') writeLines(path, lines.toSpliced(at, 1));
  else if (how === 'duplicate') writeLines(path, lines.toSpliced(at, 0, lines[at] as string));
  else if (how === 'tail') writeLines(path, lines.slice(0, at));
  else if (how === 'truncate') writeFileSync(path, readFileSync(path).subarray(0, b % readFileSync(path).length));
  else if (how === 'remove') rmSync(path);
  else if (how === 'swap') {
    if (lines.length < 2) return undefined;
    const other = (at + 1) % lines.length;
    writeLines(path, lines.with(at, lines[other] as string).with(other, lines[at] as string));
  } else {
    const [tenant = '', date = '', file = ''] = name.split('/');
    const to =
      how === 'date'
        ? join(tenant, 'dt=2020-01-01', file)
        : join(tenant === 'tenant=acme' ? 'tenant=globex' : 'tenant=acme', date, `other-${file}`);
    mkdirSync(join(directory, 'calls', to, '..'), { recursive: true });
    if (how === 'copy') cpSync(path, join(directory, 'calls', to));
    else renameSync(path, join(directory, 'calls', to));
  }
  return place;
}

interface Row {
  readonly name: string;
  readonly change: (directory: string) => void;
  readonly kind: FindingKind;
  readonly file?: RegExp;
  readonly line?: number;
}

const day = (directory: string) => join(directory, dayFolder, 'gw-1-000000000001.jsonl');
const heads = (directory: string) => join(directory, 'heads/gw-1.jsonl');
const edit = (path: string, change: (lines: string[]) => string[]) => writeLines(path, change(linesOf(path)));

const rows: readonly Row[] = [
  {
    name: 'an edited record is named by its line',
    change: (d) => edit(day(d), (lines) => lines.with(2, (lines[2] as string).replace('alice', 'mallo'))),
    kind: 'edited_line',
    line: 3,
  },
  {
    name: 'the last record edited',
    change: (d) => edit(day(d), (lines) => lines.with(-1, (lines.at(-1) as string).replace('"ok"', '"no"'))),
    kind: 'rewritten',
    line: 8,
  },
  { name: 'a deleted record', change: (d) => edit(day(d), (lines) => lines.toSpliced(3, 1)), kind: 'gap', line: 4 },
  {
    name: 'a record that stands twice',
    change: (d) => edit(day(d), (lines) => lines.toSpliced(3, 0, lines[3] as string)),
    kind: 'out_of_order',
    line: 5,
  },
  {
    name: 'two records swapped',
    change: (d) => edit(day(d), (lines) => lines.with(3, lines[4] as string).with(4, lines[3] as string)),
    kind: 'out_of_order',
    line: 5,
  },
  { name: 'a cut tail', change: (d) => edit(day(d), (lines) => lines.slice(0, -2)), kind: 'cut_tail' },
  {
    name: 'a cut tail whose stored head was cut too',
    change: (d) => {
      edit(day(d), (lines) => lines.slice(0, -2));
      rmSync(join(d, 'heads/gw-1.heads'));
    },
    kind: 'cut_tail',
  },
  { name: 'a file that is gone', change: (d) => rmSync(day(d)), kind: 'cut_tail', file: /tenant=acme/ },
  {
    name: 'a first part that is gone',
    change: (d) => {
      edit(day(d), (lines) => lines.slice(3));
      renameSync(day(d), day(d).replace('000001.', '000004.'));
    },
    kind: 'missing_first_part',
  },
  {
    name: 'a line that is no record',
    change: (d) => edit(day(d), (lines) => lines.with(1, 'hello')),
    kind: 'unparsable_line',
    line: 2,
  },
  {
    name: "another tenant's record",
    change: (d) =>
      edit(day(d), (lines) => lines.toSpliced(2, 0, linesOf(day(d).replace('acme', 'globex'))[2] as string)),
    kind: 'foreign_line',
    line: 3,
  },
  {
    name: 'a file that no writer names so',
    change: (d) => cpSync(day(d), join(d, dayFolder, 'extra.jsonl')),
    kind: 'misnamed_file',
    file: /extra\.jsonl$/,
  },
  {
    name: 'checkpoints that are gone',
    change: (d) => rmSync(heads(d)),
    kind: 'checkpoints_missing',
    file: /heads\/gw-1\.jsonl/,
  },
  {
    name: 'a checkpoint taken out',
    change: (d) => edit(heads(d), (lines) => lines.toSpliced(0, 1)),
    kind: 'checkpoint_gap',
  },
  {
    name: 'a checkpoint whose payload was changed',
    change: (d) =>
      edit(heads(d), (lines) => {
        const [header, payload = '', signature] = (lines.at(-1) as string).split('.');
        const changed = Buffer.from(payload, 'base64url')
          .toString()
          .replace(/"seq":\d+/, '"seq":3');
        return lines.with(-1, `${header}.${Buffer.from(changed).toString('base64url')}.${signature}`);
      }),
    kind: 'checkpoint_forged',
  },
  {
    name: 'a checkpoint file of garbage',
    change: (d) => writeFileSync(heads(d), 'x\n'),
    kind: 'checkpoint_unparsable',
    line: 1,
  },
  {
    name: 'public keys that are gone',
    change: (d) => rmSync(join(d, 'keys'), { recursive: true }),
    kind: 'key_unknown',
  },
];

for (const row of rows) {
  test(`${row.name} is found as ${row.kind}`, async (t) => {
    const directory = await recorded(t);
    assert.equal((await verifyAuditDirectory(directory)).isIntact, true);
    row.change(directory);
    const { isIntact, findings } = await verifyAuditDirectory(directory);
    assert.equal(isIntact, false);
    const found = findings.find(({ kind }) => kind === row.kind);
    assert.ok(found, `found ${JSON.stringify(findings)}`);
    assert.match(found.file, row.file ?? /gw-1/);
    if (row.line !== undefined) assert.equal(found.line, row.line);
  });
}

test('records after the end of a run are found, though correctly chained', async (t) => {
  const directory = await recorded(t);
  const { encodeEvent, encodeRecord } = await import('../../../runtime/shared/audit/encode-event.ts');
  const { createHash } = await import('node:crypto');
  edit(day(directory), (lines) => {
    const prev = createHash('sha256')
      .update(lines.at(-1) as string)
      .digest('hex');
    return [...lines, encodeRecord('gw-1', lines.length + 1, prev, encodeEvent(auditEvent()).members)];
  });
  const { findings } = await verifyAuditDirectory(directory);
  assert.deepEqual(
    findings.map(({ kind, line }) => [kind, line]),
    [['wrong_run', 9]],
  );
});

test('a wholesale rewrite with a key of its own is found by who pinned the key', async (t) => {
  const directory = await recorded(t);
  const [name = ''] = readdirSync(join(directory, 'keys'));
  const publicKey = readFileSync(join(directory, 'keys', name), 'utf8');
  assert.equal((await verifyAuditDirectory(directory, { publicKey })).isKeyPinned, true);
  const forged = await recorded(t, 3);
  assert.equal((await verifyAuditDirectory(forged)).isIntact, true, 'at its own word it is whole');
  const { findings } = await verifyAuditDirectory(forged, { publicKey });
  assert.ok(findings.some(({ kind }) => kind === 'key_unknown'));
});

test('a directory rolled back to an earlier state is found by who kept a checkpoint', async (t) => {
  const folder = testFolder(t);
  const directory = join(folder, 'audit');
  const run = async () => {
    const writer = await openTestWriter(folder);
    await writer.append(auditEvent());
    await writer.close();
  };
  await run();
  cpSync(directory, join(folder, 'earlier'), { recursive: true });
  await run();
  const kept = (await verifyAuditDirectory(directory)).checkpoints[0]?.jws as string;
  assert.equal((await verifyAuditDirectory(directory, { expectHead: kept })).isIntact, true);
  rmSync(directory, { recursive: true });
  renameSync(join(folder, 'earlier'), directory);
  assert.equal((await verifyAuditDirectory(directory)).isIntact, true, 'without it nothing shows');
  const { findings } = await verifyAuditDirectory(directory, { expectHead: kept });
  assert.deepEqual(findings.map(({ kind }) => kind).sort(), ['cut_tail', 'rolled_back']);
});

test('a kept checkpoint that no trusted key signed is refused', async (t) => {
  const directory = await recorded(t);
  const { signCheckpoint } = await import('../../../runtime/shared/audit/checkpoint.ts');
  const stranger = openSigningKey(join(testFolder(t), 'stranger.json'));
  const checkpoint = {
    v: 1,
    writer: 'gw-1',
    n: 1,
    prev: '0'.repeat(64),
    time: 't',
    kind: 'opened',
    heads: {},
  } as const;
  const expectHead = await signCheckpoint(checkpoint, stranger);
  await assert.rejects(verifyAuditDirectory(directory, { expectHead }), /not signed by a trusted key/);
  await assert.rejects(verifyAuditDirectory(directory, { expectHead: 'x' }), /The head is no checkpoint/);
});

test('an intent without its outcome is unfinished, not tampering', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  for (const call_id of ['done', 'cut off'])
    await writer.append(auditEvent({ event: 'mcp_call_intent', outcome: 'pending', call_id }));
  await writer.append(auditEvent({ call_id: 'done' }));
  await writer.close();
  const { isIntact, chains } = await verifyAuditDirectory(join(folder, 'audit'));
  assert.deepEqual([isIntact, chains[0]?.unfinishedCalls, chains[0]?.unfinishedCount], [true, ['cut off'], 1]);
});

test("one tenant's chains are verified alone", async (t) => {
  const directory = await recorded(t);
  edit(day(directory), (lines) => lines.slice(0, -1));
  assert.equal((await verifyAuditDirectory(directory, { tenant: 'globex' })).isIntact, true);
  assert.equal((await verifyAuditDirectory(directory, { tenant: 'acme' })).isIntact, false);
  await assert.rejects(verifyAuditDirectory(directory, { tenant: 'initech' }), /has no record of the tenant "initech"/);
});

test('a directory is verified while it is written', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder, { checkpointMs: 1, fileBytesMax: 20_000 });
  let isDone = false;
  const writing = (async () => {
    while (!isDone) await Promise.all([1, 2, 3].map(() => writer.append(auditEvent())));
  })();
  await writer.append(auditEvent());
  for (let n = 0; n < 10; n += 1)
    assert.deepEqual((await verifyAuditDirectory(join(folder, 'audit'))).findings, [], `round ${n}`);
  isDone = true;
  await writing;
  await writer.close();
});
