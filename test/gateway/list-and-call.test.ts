import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Caller } from '../../runtime/contract/caller.ts';
import type { TenantSettings } from '../../runtime/contract/decision.ts';
import type { CatalogueSnapshot, VersionStatus } from '../../runtime/contract/registry.ts';
import type { Endpoint, McpMessage, ToolCall } from '../../runtime/contract/tool-call.ts';
import type { GatewayDeps } from '../../runtime/gateway/deps.ts';
import { visibleTools } from '../../runtime/gateway/list-tools.ts';
import { authorize } from '../../runtime/gateway/steps/authorize.ts';
import { resolveDoor, resolveTool } from '../../runtime/gateway/steps/resolve-tool.ts';
import type { PolicyClient } from '../../runtime/shared/policy-client.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { openTestPolicy } from '../support/gateway-world.ts';

let policy: PolicyClient;
let closePolicy: () => Promise<void>;
before(async () => {
  ({ policy, close: closePolicy } = await openTestPolicy({ acme: { tools_by_role: {} } }));
});
after(() => closePolicy());

const toolNames = ['a.one', 'a.two', 'b.one', 'b.two', 'c.one', 'postgres.write', 'postgres.readonly'];
const roles = ['reader', 'operator', 'approver', '__proto__', 'constructor'];
const scopes = ['x:read', 'x:write', 'x:read:all', 'y'];
const servers = ['alpha', 'beta', 'gamma'];
const statuses: readonly VersionStatus[] = ['active', 'deprecated', 'sunset', 'disabled', 'quarantined'];
const nowMs = 1_790_000_000_000;

const some = (values: readonly string[]) => fc.subarray([...values]);
const byRole = (values: readonly string[]) =>
  fc
    .tuple(some(values), some(values), fc.dictionary(fc.constantFrom(...roles), some(values), { maxKeys: 3 }))
    .map(([reader, operator, more]) => ({ reader, operator, ...more }));

const tenants = fc.record(
  {
    tools_by_role: byRole(toolNames),
    servers_by_role: byRole(servers),
    disabled_tools: fc.subarray(toolNames, { maxLength: 2 }),
    request_bytes_max: fc.dictionary(fc.constantFrom(...toolNames), fc.integer({ min: 100, max: 100_000 })),
  },
  { requiredKeys: ['tools_by_role'] },
) as fc.Arbitrary<TenantSettings>;

const callers: fc.Arbitrary<Caller> = fc.record({
  subject: fc.constantFrom('ada', 'grace'),
  tenant: fc.oneof({ weight: 9, arbitrary: fc.constant('acme') }, fc.constant('nosuch')),
  kind: fc.constantFrom('human', 'agent', 'tenant-key'),
  roles: some(roles),
  scopes: fc.oneof(fc.constant(scopes), some(scopes)),
  clientId: fc.constant('client-1'),
  issuer: fc.constant('https://issuer.test'),
  tokenId: fc.constant(undefined),
  expiresAtMs: fc.constant(nowMs + 60_000),
});

const catalogues: fc.Arbitrary<CatalogueSnapshot> = fc
  .array(
    fc.record({
      name: fc.constantFrom(...toolNames),
      server: fc.constantFrom(...servers),
      major: fc.constantFrom(1, 2),
      scopes: fc.subarray(scopes, { maxLength: 2 }),
      destructive: fc.boolean(),
    }),
    { minLength: 3, maxLength: 12 },
  )
  .chain((tools) =>
    fc
      .array(
        fc.record({
          status: fc.oneof(
            { weight: 3, arbitrary: fc.constant<VersionStatus>('active') },
            fc.constantFrom(...statuses),
          ),
          isPast: fc.boolean(),
          hasEnd: fc.boolean(),
        }),
        {
          minLength: 6,
          maxLength: 6,
        },
      )
      .map((states) => ({
        version: 1,
        servers: servers.map((name, i) =>
          sampleServer(
            name,
            [1, 2].map((major) => {
              const state = states[i * 2 + major - 1];
              const own = tools.filter((tool, at) => {
                const isFirst = tools.findIndex((each) => each.name === tool.name) === at;
                return isFirst && tool.server === name && tool.major === major;
              });
              return sampleVersion(
                'http://127.0.0.1:1/mcp',
                own.map(({ name: tool, scopes: needed, destructive }) =>
                  sampleTool({ name: tool, scopes: needed, destructive }),
                ),
                {
                  version: `${major}.0.0`,
                  major,
                  status: state?.status ?? 'active',
                  ...(state?.hasEnd === true && { sunsetAtMs: nowMs + (state.isPast ? -1 : 1) }),
                },
              );
            }),
          ),
        ),
      })),
  );

const endpoints: fc.Arbitrary<Endpoint> = fc.oneof(
  fc.constant<Endpoint>({ kind: 'all', resource: 'r' }),
  fc.record({
    kind: fc.constant('server' as const),
    server: fc.constantFrom(...servers),
    major: fc.constantFrom(undefined, 1, 2),
    resource: fc.constant('r'),
  }),
);

test('a tool is in the list exactly when a call of it gets past authorize', () => {
  const seen = { listed: 0, hidden: 0 };
  fc.assert(
    fc.property(callers, tenants, catalogues, endpoints, (caller, tenant, snapshot, endpoint) => {
      const deps = {
        now: () => nowMs,
        catalogue: () => snapshot,
        policy: { ...policy, tenant: (name: string) => (name === 'acme' ? tenant : undefined) },
      } as Partial<GatewayDeps> as GatewayDeps;
      const listed = listedNames(caller, endpoint, deps);
      for (const name of [...toolNames, 'no.such']) {
        const isCallable = mayCall(name, caller, endpoint, deps);
        assert.equal(listed.has(name), isCallable, `${name}: listed ${listed.has(name)}, callable ${isCallable}`);
        seen[isCallable ? 'listed' : 'hidden'] += 1;
      }
    }),
    { numRuns: 600 },
  );
  assert.ok(seen.listed > 30 && seen.hidden > 50, `both happen: ${JSON.stringify(seen)}`);
});

function listedNames(caller: Caller, endpoint: Endpoint, deps: GatewayDeps): ReadonlySet<string> {
  const message = { endpoint, method: 'tools/list', bodyBytes: 90, params: {} } as Partial<McpMessage> as McpMessage;
  return unlessRefused(new Set(), () => {
    const tools = visibleTools(message, caller, resolveDoor(message, deps), deps);
    return new Set(tools.map((tool) => tool.entry.name));
  });
}

function mayCall(name: string, caller: Caller, endpoint: Endpoint, deps: GatewayDeps): boolean {
  // The smallest limit above is 100 bytes: size is what a list cannot know.
  const call = {
    endpoint,
    method: 'tools/call',
    name,
    arguments: {},
    bodyBytes: 90,
    params: {},
  } as Partial<ToolCall> as ToolCall;
  return unlessRefused(false, () => authorize(caller, resolveTool(call, caller, deps), call, deps).allow);
}

function unlessRefused<T>(no: T, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'internal_error' && error.code !== 'policy_unavailable') return no;
    throw error;
  }
}
