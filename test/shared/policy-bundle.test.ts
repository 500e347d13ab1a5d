import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';
import { createPolicyClient } from '../../runtime/shared/policy-client.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { policiesFolder, sampleCall } from '../policies/samples.ts';

async function makeBundle(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-bundle-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await assemblePolicyBundle(policiesFolder, folder);
  return folder;
}

async function open(t: TestContext, folder: string, pollMs = 0) {
  const client = await createPolicyClient({ folder, pollMs });
  t.after(() => client.close());
  return client;
}

async function edit(folder: string, file: string, change: (text: string) => string): Promise<void> {
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  const changed = change(text);
  assert.notEqual(changed, text, 'the test changes the file');
  await writeFile(path, changed);
}

/** Polls until it holds; the bound is generous because machines are busy. */
async function eventually(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !holds(); ) {
    assert.ok(Date.now() < deadline, 'in time');
    await wait(5);
  }
}

test('a bundle that is assembled is in force, and the same files have the same revision', async (t) => {
  const [one, other] = [await makeBundle(t), await makeBundle(t)];
  const [first, second] = [await open(t, one), await open(t, other)];
  assert.equal(first.status().fault, undefined);
  assert.equal(first.revision(), second.revision());
});

test('a change of any file is another revision', async (t) => {
  const folder = await makeBundle(t);
  const client = await open(t, folder);
  const revisions = new Set([client.revision()]);
  for (const file of ['build.json', 'base.json', 'tenants.json', 'canaries.json']) {
    await appendFile(join(folder, file), '\n');
    await client.reload();
    assert.equal(client.status().fault, undefined);
    assert.equal(client.decide(sampleCall()).revision, client.revision());
    revisions.add(client.revision());
  }
  assert.equal(revisions.size, 5);
});

test('tenants of ones own take the place of the sample', async (t) => {
  const folder = await makeBundle(t);
  const tenantsFile = join(folder, 'own.json');
  await writeFile(tenantsFile, '{"tenants": {"initech": {"tools_by_role": {"tester": ["fixture.echo"]}}}}');
  await assemblePolicyBundle(policiesFolder, folder, { tenantsFile });
  const client = await open(t, folder);
  assert.equal(client.tenant('acme'), undefined);
  assert.deepEqual(client.tenant('initech')?.tools_by_role.tester, ['fixture.echo']);
});

test('new tenant data is followed without a restart, and the answer changes', async (t) => {
  const folder = await makeBundle(t);
  const client = await open(t, folder, 5);
  const before = client.revision();
  const tenant = () => client.tenant('acme') ?? assert.fail('acme is there');
  assert.equal(client.decide(sampleCall({ tenant: tenant() })).allow, true);
  await edit(folder, 'tenants.json', (text) => text.replace('"reader": ["postgres.readonly", ', '"reader": ['));
  await eventually(() => client.revision() !== before);
  assert.deepEqual(client.decide(sampleCall({ tenant: tenant() })).reasons, ['role_not_granted']);
});

test('a bad change is followed by a good one without a restart', async (t) => {
  const folder = await makeBundle(t);
  const client = await open(t, folder, 5);
  const before = client.revision();
  const good = await readFile(join(folder, 'base.json'), 'utf8');
  await writeFile(join(folder, 'base.json'), good.slice(0, 40));
  await eventually(() => client.status().fault !== undefined);
  assert.equal(client.revision(), before);
  assert.equal(client.decide(sampleCall()).allow, true);
  await writeFile(join(folder, 'base.json'), good.replace('"rows_max": 1000', '"rows_max": 10'));
  await eventually(() => client.status().fault === undefined);
  assert.notEqual(client.revision(), before);
  const rows = client.decide(sampleCall()).obligations.find(({ type }) => type === 'max_rows');
  assert.deepEqual(rows, { type: 'max_rows', rows: 10 });
});

/** Each breaks one good bundle; the fault says what is wrong. */
type Fault = readonly [what: string, sentence: RegExp, (folder: string) => Promise<void>];

const faults: readonly Fault[] = [
  [
    'a truncated policy.wasm',
    /policy\.wasm is not the one that build\.json describes/,
    async (folder) => {
      const wasm = await readFile(join(folder, 'policy.wasm'));
      await writeFile(join(folder, 'policy.wasm'), wasm.subarray(0, wasm.length / 2));
    },
  ],
  [
    'a policy.wasm that is no Wasm, with its hash',
    /policy\.wasm is not WebAssembly/,
    (folder) => replaceWasm(folder, Buffer.from('not wasm')),
  ],
  [
    'a Wasm that is no policy, with its hash',
    /policy\.wasm cannot be started/,
    (folder) => replaceWasm(folder, Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])),
  ],
  [
    'a wrong hash',
    /policy\.wasm is not the one/,
    (folder) => edit(folder, 'build.json', (text) => text.replace(/"wasm_sha256": "./, '"wasm_sha256": "z')),
  ],
  [
    'a build without an entrypoint',
    /build\.json names no entrypoint mcp\/quota\/decision/,
    (folder) => edit(folder, 'build.json', (text) => text.replace('"mcp/quota/decision"', '"mcp/other"')),
  ],
  ['a missing policy.wasm', /policy\.wasm is missing/, (folder) => rm(join(folder, 'policy.wasm'))],
  ['a missing tenants.json', /tenants\.json is missing/, (folder) => rm(join(folder, 'tenants.json'))],
  ['missing canaries', /canaries\.json is missing/, (folder) => rm(join(folder, 'canaries.json'))],
  [
    'a half-written tenants.json',
    /tenants\.json is not JSON/,
    (folder) => edit(folder, 'tenants.json', (text) => text.slice(0, -20)),
  ],
  ['an empty tenants.json', /tenants\.json is not JSON/, (folder) => edit(folder, 'tenants.json', () => '')],
  ['a list of tenants', /tenants\.json is not \{"tenants"/, (folder) => edit(folder, 'tenants.json', () => '[]')],
  [
    'a tenant named __proto__',
    /"__proto__" is no name of a tenant/,
    (folder) => edit(folder, 'tenants.json', (text) => text.replace('"globex"', '"__proto__"')),
  ],
  [
    'a tenant with a misspelt setting',
    /globex: there is no setting "masked_column"/,
    (folder) => edit(folder, 'tenants.json', (text) => text.replace('"masked_columns"', '"masked_column"')),
  ],
  [
    'a tool named by a wildcard',
    /"\*" is no such name/,
    (folder) => edit(folder, 'tenants.json', (text) => text.replace('["s3.list"]', '["*"]')),
  ],
  [
    'a limit that is a string',
    /calls_per_minute: postgres\.readonly is not a whole number/,
    (folder) =>
      edit(folder, 'tenants.json', (text) => text.replace('"postgres.readonly": 30', '"postgres.readonly": "30"')),
  ],
  [
    'a person with one account',
    /same_person is not a list of lists, each with two or more subjects of one person/,
    (folder) =>
      edit(folder, 'tenants.json', (text) =>
        text.replace('"masked_columns"', '"same_person": [["grace"]], "masked_columns"'),
      ),
  ],
  ...(
    [
      ['in which nothing stays the same', '{ "calls_max": 2, "same": [] }'],
      ['of one call', '{ "calls_max": 1, "same": ["/sql"] }'],
      ['of more than a hundred calls', '{ "calls_max": 101, "same": ["/sql"] }'],
      ['that names an argument without a slash', '{ "calls_max": 2, "same": ["sql"] }'],
      ['that binds the whole, so that nothing may differ', '{ "calls_max": 2, "same": [""] }'],
      ['with a pointer twice', '{ "calls_max": 2, "same": ["/sql", "/sql"] }'],
      ['with a field too many', '{ "calls_max": 2, "same": ["/sql"], "minutes": 60 }'],
    ] as const
  ).map(
    ([what, terms]): Fault => [
      `a window ${what}`,
      /windows: postgres\.write is not \{calls_max: 2 to 100, same: \[\.\.\.\]\}, with one to eight different JSON Pointers/,
      (folder) =>
        edit(folder, 'tenants.json', (text) =>
          text.replace('"masked_columns"', `"windows": { "postgres.write": ${terms} }, "masked_columns"`),
        ),
    ],
  ),
  [
    'an unknown mask',
    /masked_columns is not a list of/,
    (folder) => edit(folder, 'base.json', (text) => text.replace('"last4"', '"first4"')),
  ],
  [
    'a limit that is gone',
    /base\.json: "rows_max" is missing/,
    (folder) => edit(folder, 'base.json', (text) => text.replace(/"rows_max": \d+,/, '')),
  ],
  [
    'bytes that are no UTF-8',
    /tenants\.json is not UTF-8/,
    (folder) => writeFile(join(folder, 'tenants.json'), Buffer.from([0xff])),
  ],
  [
    'a canary with another answer',
    /the canary "the next one does not" got the wrong answer/,
    (folder) => edit(folder, 'canaries.json', (text) => text.replace('quota_exceeded', 'quota_spent')),
  ],
  [
    'canaries that never expect a no',
    /canaries\.json expects no no/,
    (folder) => edit(folder, 'canaries.json', (text) => text.replaceAll('"allow": false', '"allow": true')),
  ],
];

for (const [what, fault, spoil] of faults) {
  test(`${what} is refused, and the last good bundle stays`, async (t) => {
    const folder = await makeBundle(t);
    const client = await open(t, folder);
    const before = client.decide(sampleCall());
    await spoil(folder);
    const status = await client.reload();
    assert.match(status.fault ?? '', fault);
    assert.equal(status.revision, before.revision);
    assert.deepEqual(client.decide(sampleCall()), before);
  });
}

test('without a good bundle every question is refused, until there is one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-bundle-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const client = await open(t, join(folder, 'bundle'), 5);
  const isRefused = (error: unknown) => error instanceof Refusal && error.code === 'policy_unavailable';
  assert.equal(client.revision(), undefined);
  assert.equal(client.tenant('acme'), undefined);
  assert.match(client.status().fault ?? '', /is missing/);
  assert.throws(() => client.decide(sampleCall()), isRefused);
  assert.throws(() => client.visible({ now_ms: 1, caller: sampleCall().caller, tools: [] }), isRefused);
  assert.throws(() => client.quota({ tool: 's3.list', counters: { tool_minute: 1 } }), isRefused);
  await assemblePolicyBundle(policiesFolder, join(folder, 'new'));
  await rename(join(folder, 'new'), join(folder, 'bundle'));
  await eventually(() => client.revision() !== undefined);
  assert.equal(client.decide(sampleCall()).allow, true);
});

test('readings at the same time end with the newest files in force', async (t) => {
  const folder = await makeBundle(t);
  const client = await open(t, folder);
  const first = client.reload();
  await edit(folder, 'base.json', (text) => text.replace('"rows_max": 1000', '"rows_max": 7'));
  await Promise.all([first, client.reload(), client.reload()]);
  const rows = client.decide(sampleCall()).obligations.find(({ type }) => type === 'max_rows');
  assert.deepEqual(rows, { type: 'max_rows', rows: 7 });
});

async function replaceWasm(folder: string, wasm: Buffer): Promise<void> {
  const { createHash } = await import('node:crypto');
  await writeFile(join(folder, 'policy.wasm'), wasm);
  const hash = createHash('sha256').update(wasm).digest('hex');
  await edit(folder, 'build.json', (text) => text.replace(/("wasm_sha256": )"[0-9a-f]+"/, `$1"${hash}"`));
}
