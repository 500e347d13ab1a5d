import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PolicyInput, TenantSettings } from '../../runtime/contract/decision.ts';
import type { RefusalCode } from '../../runtime/contract/refusal-codes.ts';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';
import { createPolicyClient } from '../../runtime/shared/policy-client.ts';
import { type Instantiate, instantiateOpa } from '../../runtime/shared/policy-evaluator.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { policiesFolder, sampleCall, tools } from '../policies/samples.ts';

/** A client on a bundle of the repository's policies, with a count of the instances that were made. */
async function openClient(t: TestContext, answer?: (real: unknown) => unknown) {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-policy-'));
  await assemblePolicyBundle(policiesFolder, folder);
  const made = { instances: 0, isOpen: false };
  const instantiate: Instantiate = (module, data) => {
    made.instances += 1;
    const real = instantiateOpa(module, data);
    return {
      ...real,
      // The canaries are asked the real policy; what comes after opening is the double's.
      evaluate: (input, entrypoint) => {
        const resultSet = real.evaluate(input, entrypoint);
        return made.isOpen && answer !== undefined ? answer(resultSet) : resultSet;
      },
    };
  };
  const client = await createPolicyClient({ folder, pollMs: 0, instantiate });
  t.after(async () => {
    client.close();
    await rm(folder, { recursive: true, force: true });
  });
  made.isOpen = true;
  assert.equal(client.status().fault, undefined);
  return { client, made };
}

const refusal = (code: RefusalCode) => (error: unknown) => error instanceof Refusal && error.code === code;

test('a call is decided with the revision of the bundle', async (t) => {
  const { client } = await openClient(t);
  const decision = client.decide(sampleCall());
  assert.equal(decision.allow, true);
  assert.match(decision.revision, /^[0-9a-f]{12}$/);
  assert.equal(decision.revision, client.revision());
  assert.deepEqual(decision.obligations.map(({ type }) => type).toSorted(), [
    'mask_columns',
    'max_result_bytes',
    'max_rows',
    'quota',
    'redact_pii',
  ]);
  const { caller, tenant } = sampleCall();
  const visible = client.visible({ now_ms: 1, caller, ...(tenant === undefined ? {} : { tenant }), tools });
  assert.deepEqual([...visible].toSorted(), ['postgres.readonly', 's3.list']);
});

test('a call over the limit of its tenant is refused, and one that was not counted too', async (t) => {
  const { client } = await openClient(t);
  const [acme, globex] = [client.tenant('acme'), client.tenant('globex')];
  assert.ok(acme !== undefined && globex !== undefined);
  const quota = (tenant: typeof acme, tool_minute: number | undefined) =>
    client.quota({ tenant, tool: 'postgres.readonly', counters: tool_minute === undefined ? {} : { tool_minute } });
  assert.equal(quota(acme, 60).allow, true);
  assert.deepEqual(quota(acme, 61).reasons, ['quota_exceeded']);
  assert.equal(quota(globex, 30).allow, true);
  assert.deepEqual(quota(globex, 31).reasons, ['quota_exceeded']);
  for (const uncounted of [undefined, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1]) {
    assert.deepEqual(quota(acme, uncounted).reasons, ['counter_missing']);
  }
  assert.deepEqual(client.quota({ tool: 's3.list', counters: { tool_minute: 1 } }).reasons, ['tenant_unknown']);
});

test('an approver is asked about with the accounts of the tenant, and with nothing else of it', async (t) => {
  const { client } = await openClient(t);
  const terms = { calls_max: 10, same: ['/table'] };
  const tenant = { ...client.tenant('acme'), tools_by_role: {}, same_person: [['oscar', 'grace']] };
  const question = {
    now_ms: 1000,
    approver: { subject: 'grace', tenant: 'acme', kind: 'human', roles: ['approver'] },
    approval: {
      tenant: 'acme',
      subject: 'oscar',
      client_id: 'client-1',
      server: 'write',
      tool: 'postgres.write',
      state: 'open',
      expires_at_ms: 1001,
      policy_revision: client.revision() ?? '',
    },
    answer: { scope: 'call' },
  } as const;
  assert.deepEqual(client.mayAnswer({ ...question, tenant }).reasons, ['own_request']);
  const { same_person: _, ...single } = tenant;
  assert.deepEqual(client.mayAnswer({ ...question, tenant: single }), {
    allow: true,
    reasons: [],
    revision: client.revision(),
  });
  assert.deepEqual(client.mayAnswer(question).reasons, ['tenant_unknown']);

  const windowed = {
    ...question,
    approval: { ...question.approval, window: terms },
    answer: { scope: 'window' },
  } as const;
  const ask = (windows: TenantSettings['windows']) =>
    client.mayAnswer({ ...windowed, tenant: { ...single, ...(windows !== undefined && { windows }) } });
  assert.equal(ask({ 'postgres.write': terms }).allow, true);
  assert.deepEqual(ask({ 'postgres.writer': terms }).reasons, ['window_not_offered']);
  assert.deepEqual(ask(undefined).reasons, ['window_not_offered']);
});

test('tenants are found by their own names only', async (t) => {
  const { client } = await openClient(t);
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString', '', 'ACME', 'acme ', 'initech']) {
    assert.equal(client.tenant(name), undefined, name);
  }
  assert.ok(Object.isFrozen(client.tenant('acme')?.tools_by_role.reader));
});

test('two thousand poisoned calls later a good one is answered right, without a new instance', async (t) => {
  const { client, made } = await openClient(t);
  const good = client.decide(sampleCall());
  const before = made.instances;
  const poisoned: readonly object[] = [{ x: '\ud800' }, { '\udfff': 1 }, { a: [{ b: 'ok\udc00' }] }];
  for (let i = 0; i < 2_000; i += 1) {
    const request = { bytes: 1, arguments: poisoned[i % poisoned.length] };
    assert.throws(() => client.decide(sampleCall({ request } as Partial<PolicyInput>)), refusal('json_unsafe'));
  }
  assert.deepEqual(client.decide(sampleCall()), good);
  assert.equal(made.instances, before);
  // The text of an escape is no surrogate.
  const honest = { bytes: 1, arguments: { text: '\\ud800 and \u{1f600}', '\\udfff': 1 } };
  assert.equal(client.decide(sampleCall({ request: honest })).allow, true);
});

test('an instance that aborted is replaced, two thousand times over', async (t) => {
  const { client, made } = await openClient(t);
  const good = client.decide(sampleCall());
  const before = made.instances;
  // Past the check of strings: the text of a toJSON is only seen when it is written.
  const abort = { bytes: 1, arguments: { x: { toJSON: () => '\ud800' } } };
  for (let i = 0; i < 2_000; i += 1) {
    assert.throws(() => client.decide(sampleCall({ request: abort } as never)), refusal('policy_unavailable'));
  }
  assert.deepEqual(client.decide(sampleCall()), good);
  assert.equal(made.instances, before + 2_000);
});

test('input that is too large for its memory is refused, and the next call is answered right', async (t) => {
  const { client, made } = await openClient(t);
  const before = made.instances;
  const large = { bytes: 1, arguments: { text: 'x'.repeat(80 * 1024 * 1024) } };
  assert.throws(() => client.decide(sampleCall({ request: large })), refusal('policy_unavailable'));
  assert.equal(client.decide(sampleCall()).allow, true);
  assert.equal(made.instances, before + 1);
});

test('memory that one large input took is given back', async (t) => {
  const { client, made } = await openClient(t);
  const before = made.instances;
  const large = { bytes: 1, arguments: { text: 'x'.repeat(10 * 1024 * 1024) } };
  assert.equal(client.decide(sampleCall({ request: large })).allow, true);
  assert.equal(client.decide(sampleCall()).allow, true);
  assert.equal(made.instances, before + 1);
});

test('nesting of any depth is answered or refused, and the next call is answered right', async (t) => {
  const { client } = await openClient(t);
  const seen = new Set<string>();
  // At the bottom stands what the check of strings looks for.
  for (const depth of [1_000, 3_000, 5_000, 10_000, 100_000, 1_000_000]) {
    let value: object = { text: '\\ud800' };
    for (let i = 0; i < depth; i += 1) value = { a: value };
    try {
      seen.add(String(client.decide(sampleCall({ request: { bytes: 1, arguments: value as never } })).allow));
    } catch (error) {
      assert.ok(error instanceof Refusal);
      seen.add(error.code);
    }
    assert.equal(client.decide(sampleCall()).allow, true);
  }
  assert.ok(seen.has('json_too_complex'), [...seen].join());
});

test('what is not JSON is refused', async (t) => {
  const { client } = await openClient(t);
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  for (const wrong of [undefined, null, 'text', 1, [], () => 1, { n: 1n }, cycle]) {
    assert.throws(() => client.decide(wrong as never), refusal('policy_unavailable'));
  }
  // A buffer is an object of numbers to JSON, never the text in it.
  assert.equal(client.decide(Buffer.from('{"allow":true}') as never).allow, false);
});

test('numbers that JSON cannot hold are no numbers to policy', async (t) => {
  const { client } = await openClient(t);
  for (const bytes of [Number.NaN, Number.POSITIVE_INFINITY, -1, JSON.parse('1e400')]) {
    assert.deepEqual(client.decide(sampleCall({ request: { bytes } })).reasons, ['request_too_large']);
  }
  for (const bytes of [0, -0, 1.5, 131_072])
    assert.equal(client.decide(sampleCall({ request: { bytes } })).allow, true);
  assert.deepEqual(client.decide(sampleCall({ now_ms: Number.NaN })).reasons, ['time_unknown']);
});

const yes = { allow: true, reasons: ['role_granted'], obligations: [] };
const wrongAnswers: readonly (readonly [string, RefusalCode, (revision: string) => unknown])[] = [
  ['no result', 'policy_unavailable', () => []],
  ['no list', 'policy_unavailable', () => ({ result: yes })],
  ['nothing', 'policy_unavailable', () => undefined],
  ['two results', 'policy_unavailable', (revision) => Array(2).fill({ result: { ...yes, revision } })],
  ['no decision', 'policy_unavailable', () => [{}]],
  ['true alone', 'policy_unavailable', () => [{ result: true }]],
  ['allow as a string', 'policy_unavailable', (revision) => [{ result: { ...yes, allow: 'true', revision } }]],
  ['allow as a number', 'policy_unavailable', (revision) => [{ result: { ...yes, allow: 1, revision } }]],
  ['no obligations', 'policy_unavailable', (revision) => [{ result: { allow: true, reasons: [], revision } }]],
  ['obligations as an object', 'policy_unavailable', (revision) => [{ result: { ...yes, obligations: {}, revision } }]],
  ['a member too many', 'policy_unavailable', (revision) => [{ result: { ...yes, revision, also: 1 } }]],
  ['another revision', 'policy_unavailable', () => [{ result: { ...yes, revision: '000000000000' } }]],
  [
    'a reason with a line end',
    'policy_unavailable',
    (revision) => [{ result: { ...yes, reasons: ['a\nb'], revision } }],
  ],
  [
    'a reason with a caller',
    'policy_unavailable',
    (revision) => [{ result: { ...yes, reasons: ['Bob said'], revision } }],
  ],
  ...[
    { type: 'mirror_to_siem' },
    { type: '__proto__' },
    { kind: 'redact_pii' },
    'redact_pii',
    null,
    { type: 'redact_pii', engine: 'full' },
    { type: 'max_rows' },
    { type: 'max_rows', rows: '10' },
    { type: 'max_rows', rows: -1 },
    { type: 'max_result_bytes', bytes: 1.5 },
    { type: 'quota', limit: 60 },
    { type: 'require_approval', reason: 'Ask Bob' },
    { type: 'mask_columns', columns: 'all' },
    { type: 'mask_columns', columns: [{ schema: 'public', table: 'customers', column: 'ssn', method: 'rot13' }] },
    { type: 'mask_columns', columns: [{ schema: 'public', table: 'customers', column: 'ssn' }] },
  ].map(
    (obligation) =>
      [
        `the obligation ${JSON.stringify(obligation)}`,
        'obligation_unknown',
        (revision: string) => [{ result: { ...yes, obligations: [obligation], revision } }],
      ] as const,
  ),
  [
    'one obligation twice',
    'obligation_unknown',
    (revision) => [{ result: { ...yes, obligations: [{ type: 'redact_pii' }, { type: 'redact_pii' }], revision } }],
  ],
];

for (const [what, code, answer] of wrongAnswers) {
  test(`an engine that answers with ${what} is refused`, async (t) => {
    let revision = '';
    const { client } = await openClient(t, () => answer(revision));
    revision = client.revision() ?? '';
    assert.throws(() => client.decide(sampleCall()), refusal(code));
  });
}

test('a list with what was no candidate, and a quota answer of another shape, are refused', async (t) => {
  const listing = { now_ms: 1, caller: sampleCall().caller, tools };
  for (const answer of [[{ result: ['postgres.drop'] }], [{ result: [1] }], [{ result: { a: 1 } }], []]) {
    const { client } = await openClient(t, () => answer);
    assert.throws(() => client.visible(listing), refusal('policy_unavailable'));
    assert.throws(() => client.quota({ tool: 's3.list', counters: {} }), refusal('policy_unavailable'));
  }
});

test('whatever an engine throws is a refusal that keeps its cause', async (t) => {
  for (const thrown of ['a string', new Error('trap'), { message: 'not implemented' }, undefined]) {
    const { client } = await openClient(t, () => {
      throw thrown;
    });
    assert.throws(
      () => client.decide(sampleCall()),
      (error: unknown) => error instanceof Refusal && error.code === 'policy_unavailable' && error.cause === thrown,
    );
  }
});
