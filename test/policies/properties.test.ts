import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PolicyInput, PolicyTool, TenantSettings } from '../../runtime/contract/decision.ts';
import { isRecord } from '../../runtime/contract/policy-values.ts';
import { onlyResult, parseDecision } from '../../runtime/shared/policy-answer.ts';
import { createEvaluator, readVectors, revision, sampleCall, tools } from './samples.ts';

const evaluator = await createEvaluator();
const decide = (input: object) => parseDecision(onlyResult(evaluator.evaluate(input, 'mcp/authz/decision')), revision);

const roles = ['reader', 'operator', 'agent', 'nobody'];
const scopes = ['postgres:query:readonly', 'postgres:write', 's3:list', 'fixture:echo'];
const names = [
  'postgres.readonly',
  'postgres.write',
  's3.list',
  'fixture.echo',
  'fixture.add',
  '__proto__',
  'constructor',
];

const someTool: fc.Arbitrary<PolicyTool> = fc.record({
  name: fc.constantFrom(...names),
  server: fc.constantFrom('read', 'write', 'fixture'),
  version: fc.constant('1.0.0'),
  scopes: fc.subarray(scopes),
  destructive: fc.boolean(),
});
const someTenant: fc.Arbitrary<TenantSettings> = fc.record(
  {
    tools_by_role: fc.dictionary(fc.constantFrom(...roles), fc.subarray(names)),
    servers_by_role: fc.dictionary(fc.constantFrom(...roles), fc.subarray(['read', 'write', 'fixture'])),
    disabled_tools: fc.subarray(names),
  },
  { requiredKeys: ['tools_by_role'] },
);
const someCaller: fc.Arbitrary<PolicyInput['caller']> = fc.record({
  subject: fc.constant('user-1'),
  tenant: fc.constant('acme'),
  kind: fc.constantFrom('human', 'agent', 'tenant-key'),
  roles: fc.subarray(roles),
  scopes: fc.subarray(scopes),
  client_id: fc.constant('client-1'),
});

test('a tool is listed exactly when a call of it is allowed', () => {
  const catalogue = fc.uniqueArray(someTool, { selector: ({ name }) => name, maxLength: 7 });
  fc.assert(
    fc.property(someCaller, someTenant, catalogue, (caller, tenant, candidates) => {
      const listed = onlyResult(
        evaluator.evaluate({ now_ms: 1, caller, tenant, tools: candidates }, 'mcp/authz/visible'),
      ) as string[];
      for (const tool of candidates) {
        const { allow } = decide(sampleCall({ caller, tenant, tool, server: tool.server }));
        assert.equal(listed.includes(tool.name), allow, tool.name);
      }
    }),
    { numRuns: 500 },
  );
});

test('a question that is answered with no stays so when it grants no more', () => {
  fc.assert(
    fc.property(someCaller, someTenant, someTool, fc.nat(200_000), (caller, tenant, tool, bytes) => {
      const before = decide(sampleCall({ caller, tenant, tool, request: { bytes } }));
      const fewer = { ...caller, roles: caller.roles.slice(1), scopes: caller.scopes.slice(1) };
      const after = decide(sampleCall({ caller: fewer, tenant, tool, request: { bytes } }));
      assert.ok(before.allow || !after.allow);
      assert.ok(before.allow ? before.reasons.includes('role_granted') : before.reasons.length > 0);
    }),
    { numRuns: 500 },
  );
});

test('one reason to deny is enough, whatever grants', () => {
  const denials: readonly ((input: PolicyInput) => object)[] = [
    (input) => ({ ...input, now_ms: null }),
    (input) => ({ ...input, method: 'tools/cal' }),
    (input) => ({ ...input, caller: { ...input.caller, subject: '' } }),
    (input) => ({ ...input, caller: { ...input.caller, scopes: [] } }),
    (input) => ({ ...input, caller: { ...input.caller, roles: [] } }),
    (input) => ({ ...input, request: { bytes: 200_000 } }),
    (input) => ({ ...input, tenant: { ...input.tenant, disabled_tools: [input.tool?.name] } }),
    (input) => ({ ...input, tenant: undefined }),
    (input) => ({ ...input, tool: { ...input.tool, server: 'evil' } }),
  ];
  const call = sampleCall();
  assert.equal(decide(call).allow, true);
  fc.assert(
    fc.property(fc.subarray([...denials], { minLength: 1 }), (some) => {
      const input = some.reduce<object>((question, deny) => deny(question as PolicyInput), call);
      const { allow, reasons, obligations } = decide(input);
      assert.equal(allow, false);
      assert.ok(reasons.length > 0);
      assert.deepEqual(reasons, reasons.toSorted());
      assert.deepEqual(obligations, []);
    }),
  );
});

test('taking any field that decides out of any allowed call never leaves it allowed', () => {
  // What may be absent: it narrows, adds to, or describes.
  const mayBeAbsent =
    /^(server|elevations|request\.arguments|request\.(arguments|same)_sha256|tool\.(version|definition_hash)|tenant\.(servers_by_role|calls_per_minute|request_bytes_max|result_bytes_max|masked_columns|unredacted_tools|disabled_tools|same_person|windows)|.*\.\d+)(\.|$)/;
  const allowed = readVectors().filter(
    ({ entrypoint, expect, input }) =>
      entrypoint === 'mcp/authz/decision' && isRecord(expect) && expect.allow === true && input.method === 'tools/call',
  );
  assert.ok(allowed.length > 10);
  let removed = 0;
  for (const { input, name } of allowed) {
    for (const path of pathsOf(input)) {
      if (mayBeAbsent.test(path.join('.')) || (path[1] === 'tools_by_role' && path.length > 2)) continue;
      // Only a tool's own package knows the server it belongs to.
      if (path.join('.') === 'tool.server' && name.includes('without a package')) continue;
      const question = without(input, path);
      const decision = decide(question);
      removed += 1;
      // Without the hint a tool without a package counts as destructive, which a person's yes then covers.
      const asksFirst = decision.obligations.some(({ type }) => type === 'require_approval');
      assert.ok(!decision.allow || (path.join('.') === 'tool.destructive' && asksFirst), `${name}: ${path.join('.')}`);
    }
  }
  assert.ok(removed > 100);
});

test('input of any shape has one well-formed answer', () => {
  fc.assert(
    fc.property(
      fc.object({ key: fc.constantFrom('caller', 'tool', 'tenant', 'method', 'request', 'roles', 'name') }),
      (junk) => {
        assert.equal(decide(junk).allow, false);
        assert.equal(decide({ ...sampleCall({ tool: tools[1] as PolicyTool }), ...junk, caller: junk }).allow, false);
      },
    ),
    { numRuns: 300 },
  );
});

function pathsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [[...path, key], ...pathsOf(member, [...path, key])]);
}

function without(value: object, path: readonly string[]): object {
  const copy = structuredClone(value) as Record<string, unknown>;
  const parent = path
    .slice(0, -1)
    .reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, copy);
  delete parent[path.at(-1) as string];
  return copy;
}
