import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { auditQueries } from '../../lib/audit-queries.ts';
import { auditEvent, openTestWriter, testFolder } from '../support/audit-events.ts';

const bin = fileURLToPath(new URL('../../bin/toolgate.mjs', import.meta.url));

function toolgate(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'audit', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

async function recorded(t: TestContext): Promise<{ directory: string; day: string; key: string }> {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  await writer.append(auditEvent({ event: 'mcp_call_intent', outcome: 'pending', call_id: 'cut off' }));
  await writer.append(auditEvent({ tool: 'evil\x1b[31m\u202e', call_id: 'two' }));
  await writer.append(auditEvent({ tool: 's3.list', outcome: 'refused', code: 'quota_exceeded', reason: 'No.' }));
  await writer.append(auditEvent({ tenant: 'globex' }));
  await writer.close();
  const directory = join(folder, 'audit');
  const [key = ''] = readdirSync(join(directory, 'keys'));
  return {
    directory,
    day: join(directory, 'calls/tenant=acme/dt=2026-11-21/gw-1-000000000001.jsonl'),
    key: join(directory, 'keys', key),
  };
}

test('verify says intact with exit code 0, a line a chain, and whose key it trusted', async (t) => {
  const { directory, key } = await recorded(t);
  const { status, stdout } = toolgate('verify', directory);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^intact {6}tenant acme {2}writer gw-1 {2}5 records in 1 file, 2026/m);
  assert.match(stdout, /note: 1 call unfinished: an intent without its outcome/);
  assert.match(stdout, /^intact {6}tenant globex /m);
  assert.match(stdout, /Trusted the key in the directory itself: .* pin it with --key/);
  assert.match(stdout, /^INTACT: 2 chains, 8 records\.$/m);
  const pinned = toolgate('verify', directory, '--key', key);
  assert.equal(pinned.status, 0);
  assert.match(pinned.stdout, /^Trusted the key you gave: /m);
});

test('verify takes the key as PEM too, and refuses what is no key', async (t) => {
  const { directory, key } = await recorded(t);
  const { createPublicKey, generateKeyPairSync } = await import('node:crypto');
  const pem = createPublicKey({ key: JSON.parse(readFileSync(key, 'utf8')), format: 'jwk' });
  writeFileSync(join(directory, '../key.pem'), pem.export({ type: 'spki', format: 'pem' }));
  assert.equal(toolgate('verify', directory, '--key', join(directory, '../key.pem')).status, 0);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(join(directory, '../rsa.pem'), rsa);
  writeFileSync(join(directory, '../text'), 'hello');
  for (const wrong of ['rsa.pem', 'text']) {
    const { status, stderr } = toolgate('verify', directory, '--key', join(directory, '..', wrong));
    assert.equal(status, 2);
    assert.match(stderr, /^What --key names is no public key of this kind: give an EC key on P-256/);
  }
});

test('verify names file and line of a change, with exit code 1', async (t) => {
  const { directory, day } = await recorded(t);
  const kept = readFileSync(join(directory, 'heads/gw-1.jsonl'), 'utf8').split('\n').at(-2) as string;
  writeFileSync(join(directory, '../head'), kept);
  writeFileSync(day, readFileSync(day, 'latin1').replace('quota_exceeded', 'quota_exceedex'), 'latin1');
  const { status, stdout } = toolgate('verify', directory, '--head', join(directory, '../head'));
  assert.equal(status, 1);
  assert.match(stdout, /^NOT INTACT {2}tenant acme/m);
  assert.match(stdout, /^calls\/tenant=acme\/dt=2026-11-21\/gw-1-000000000001\.jsonl line 4: Record 4 is not the one/m);
  assert.match(stdout, /^NOT INTACT: 1 finding in 2 chains/m);
  const json = JSON.parse(toolgate('verify', directory, '--json').stdout);
  assert.deepEqual([json.isIntact, json.findings[0].kind, json.findings[0].line], [false, 'edited_line', 4]);
  assert.equal(toolgate('verify', directory, '--tenant', 'globex').status, 0);
});

test('wrong usage and what cannot be read are one sentence and exit code 2', async (t) => {
  const folder = testFolder(t);
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'file'), '');
  const rows: readonly (readonly [args: string[], says: RegExp])[] = [
    [['verify', join(folder, 'nowhere')], /nowhere is not a directory that can be read\.$/m],
    [['verify', join(folder, 'file')], /file is not a directory that can be read\.$/m],
    [['verify', join(folder, 'empty')], /empty is no audit directory: it has neither calls\/ nor heads\/\.$/m],
    [['verify'], /^Name one audit directory\.$/m],
    [['verify', 'a', 'b'], /^Name one audit directory\.$/m],
    [['verify', folder, '--nonsense'], /--nonsense/],
    [['verify', folder, '--key', join(folder, 'none')], /--key .*none cannot be read: ENOENT\.$/m],
    [['show', join(folder, 'empty')], /empty is no audit directory: it has no calls\/\.$/m],
    [['show', folder, '--last', '0'], /--last takes a whole number from 1 to 100000, got 0/],
    [['show', folder, '--outcome', 'good'], /--outcome takes one of ok, tool_error/],
    [['shout'], /There is no command "audit shout"\./],
    [[], /usage: toolgate audit verify/],
  ];
  for (const [args, says] of rows) {
    const { status, stdout, stderr } = toolgate(...args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, says);
    assert.ok(!stderr.includes('    at '), 'no stack');
  }
});

test('--help says what each command does, with its exit codes', () => {
  for (const args of [['--help'], ['verify', '--help'], ['show', '-h']]) {
    const { status, stdout } = toolgate(...args);
    assert.equal(status, 0);
    assert.match(stdout, /usage: toolgate audit .*[\s\S]*exit code 0/);
  }
});

test('show filters, keeps the order, and puts no control character on the terminal', async (t) => {
  const { directory, day } = await recorded(t);
  appendFileSync(day, 'not a record\n');
  const all = toolgate('show', directory);
  assert.equal(all.status, 0);
  assert.match(all.stdout, /^[\p{L}\p{N}\p{P}\p{S} \n]*$/u);
  assert.match(all.stdout, /evil\\u\{1b\}\[31m\\u\{202e\}/);
  const refused = toolgate('show', directory, '--outcome', 'refused', '--tool', 's3.list', '--tenant', 'acme');
  assert.match(refused.stdout, /^2026-11-21 10:00:00\.000 {2}tools\/call s3\.list [\s\S]*quota_exceeded, No\./);
  assert.match(toolgate('show', directory, '--tenant', 'initech').stdout, /^No record fits\.$/m);
  const lines = toolgate('show', directory, '--json', '--last', '2', '--tenant', 'globex').stdout.split('\n');
  assert.deepEqual(
    lines.slice(0, -1).map((line) => JSON.parse(line).event),
    ['mcp_call', 'writer_closed'],
  );
});

test('sql prints the view of a record on a disk and every query with its parameters, quoted', async (t) => {
  const { directory } = await recorded(t);
  const { status, stdout } = toolgate(
    'sql',
    directory,
    '--tenant',
    'acme',
    '--day',
    '2026-11-21',
    '--subject',
    "o'hara",
  );
  assert.equal(status, 0);
  assert.ok(stdout.startsWith('CREATE VIEW records AS SELECT *'));
  assert.ok(stdout.includes(`'${directory}/calls/*/*/*.jsonl'`));
  assert.equal(stdout.match(/tenant = 'acme' AND dt = '2026-11-21'/g)?.length, auditQueries.length);
  assert.ok(stdout.includes("caller.subject = 'o''hara'"));
  assert.doesNotMatch(stdout, /\?|\{table\}/);
});

test('sql prints one query when one is named, and leaves out what is about a caller when none is', async (t) => {
  const { directory } = await recorded(t);
  const asked = ['sql', directory, '--tenant', 'acme', '--day', '2026-11-21'];
  assert.equal(toolgate(...asked).stdout.match(/^-- /gm)?.length, auditQueries.length - 1);
  assert.equal(toolgate(...asked, '--query', 'latency-by-tool').stdout.match(/^-- /gm)?.length, 1);
});

test('sql says in one sentence what is missing, with exit code 2', async (t) => {
  const { directory } = await recorded(t);
  const day = ['--day', '2026-11-21'];
  for (const [args, sentence] of [
    [[directory, ...day], /^--tenant T is missing\.$/m],
    [[directory, '--tenant', 'acme'], /^--day DAY is missing\.$/m],
    [[directory, '--tenant', 'acme', '--day', 'today'], /^--day takes YYYY-MM-DD, got today$/m],
    [[directory, '--tenant', 'acme', ...day, '--query', 'all'], /^--query takes one of who-called-what, .+, got all$/m],
    [
      [directory, '--tenant', 'acme', ...day, '--query', 'everything-one-person-touched'],
      /^--subject SUB is missing: this query is about one caller\.$/m,
    ],
    [[directory, '--tenant', 'nobody', ...day], /^.+ has no record of the tenant "nobody"\.\n$/],
  ] as const) {
    const { status, stderr } = toolgate('sql', ...args);
    assert.equal(status, 2);
    assert.match(stderr, sentence);
  }
});

test('a line that somebody planted in the form of a record neither ends show nor reaches the terminal as it is', async (t) => {
  const { directory, day } = await recorded(t);
  const base = { v: 1, seq: 1, time: '2026-11-21T10:00:00.000Z', event: 'mcp_call' };
  const [line = ''] = readFileSync(day, 'utf8').split('\n');
  const odd = [
    base,
    { ...base, caller: 'x', client: 5, policy: [], redactions: 7, latency_ms: 'a' },
    { ...JSON.parse(line), writer: 'gw\u001b[2J' },
    { ...JSON.parse(line), event: 'writer_\u001b[2J' },
  ];
  appendFileSync(day, odd.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const { status, stdout, stderr } = toolgate('show', directory);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /s3\.list/);
  assert.equal(stdout.match(/a line that is no record, see --json/g)?.length, 2);
  assert.ok(!stdout.includes('\u001b'));
});
