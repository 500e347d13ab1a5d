import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { AuditEvent } from '../runtime/contract/audit-event.ts';
import { errorMetaKey, type RefusalCode, refusalCodes } from '../runtime/contract/refusal-codes.ts';
import type { GatewayDeps } from '../runtime/gateway/deps.ts';
import { refusalAnswer, refusalMessage } from '../runtime/gateway/transport/wire-errors.ts';
import { Refusal } from '../runtime/shared/refusal.ts';
import { sampleServer, sampleTool, sampleVersion } from './support/catalogue.ts';
import { echoReply, sendJson } from './support/echo-upstream.ts';
import { type ExpectedRefusal, expectRefusal } from './support/expect-refusal.ts';
import {
  type GatewayWorld,
  modernMeta,
  type SendOptions,
  sampleServers,
  startGatewayWorld,
} from './support/gateway-world.ts';

let world: GatewayWorld;
let restore = () => {};
before(async () => {
  world = await startGatewayWorld({ upstreamIdleTimeoutMs: 200 });
});
after(() => world.close());
afterEach(() => {
  restore();
  restore = () => {};
  world.catalogue = { version: 1, servers: sampleServers(world.upstream.url) };
  world.upstream.reply = echoReply;
});

interface Row {
  readonly send: SendOptions;
  readonly status: number;
  readonly rpc: ExpectedRefusal['rpc'];
  readonly event?: ExpectedRefusal['event'];
  readonly outcome?: ExpectedRefusal['outcome'];
  readonly headers?: ExpectedRefusal['headers'];
  readonly prepare?: () => void;
}

const call = { event: 'mcp_call' } as const;
const broken = { event: 'mcp_call', outcome: 'failed' } as const;
const throwing =
  (code: RefusalCode, details = {}) =>
  () => {
    throw new Refusal(code, details);
  };
const parts = (make: (deps: GatewayDeps) => Partial<GatewayDeps>) => () => {
  restore = world.override(make(world.deps));
};
const withTool =
  (changes: Parameters<typeof sampleTool>[0], version = {}) =>
  () => {
    const tools = [sampleTool(changes)];
    world.catalogue = {
      version: 2,
      servers: [sampleServer('alpha', [sampleVersion(world.upstream.url, tools, version)])],
    };
  };
const upstreamSays =
  (body: unknown, status = 200) =>
  () => {
    world.upstream.reply = (_seen, response) => sendJson(response, body, status);
  };
const challenge = { 'www-authenticate': /^Bearer / };

/** Each refusal that a message can meet at the gateway, provoked over the wire. */
const rows: Partial<Record<RefusalCode, Row>> = {
  host_not_allowed: { send: { headers: { host: 'evil.test' } }, status: 403, rpc: 4038 },
  origin_not_allowed: { send: { headers: { origin: 'http://evil.test' } }, status: 403, rpc: 4039 },
  method_not_allowed: { send: { httpMethod: 'PUT' }, status: 405, rpc: 4050, headers: { allow: /^POST$/ } },
  media_type_unsupported: { send: { headers: { 'content-type': 'text/plain' } }, status: 415, rpc: 4150 },
  not_acceptable: { send: { headers: { accept: 'text/html' } }, status: 406, rpc: 4060 },
  body_too_large: { send: { body: `"${'a'.repeat(1_048_576)}"` }, status: 413, rpc: 4130 },
  encoding_unsupported: { send: { headers: { 'content-encoding': 'gzip' } }, status: 415, rpc: 4151 },
  json_malformed: { send: { body: '{' }, status: 400, rpc: -32700 },
  json_too_complex: { send: { body: '['.repeat(100) + ']'.repeat(100) }, status: 400, rpc: -32600 },
  json_unsafe: { send: { body: '{"a":1,"a":2}' }, status: 400, rpc: -32600 },
  message_invalid: { send: { body: '{}' }, status: 400, rpc: -32600 },
  batch_refused: { send: { body: '[]' }, status: 400, rpc: -32600 },
  header_mismatch: { send: { headers: { 'mcp-name': 'other' } }, status: 400, rpc: -32020 },
  version_unsupported: {
    send: { era: 'legacy', headers: { 'mcp-protocol-version': '2020-01-01' } },
    status: 400,
    rpc: -32022,
  },
  envelope_missing: { send: { params: { _meta: {} } }, status: 400, rpc: -32602 },
  method_not_found: { send: { method: 'no/such' }, status: 404, rpc: -32601 },
  params_invalid: { send: { params: {} }, status: 200, rpc: -32602 },
  credentials_missing: { send: { token: null }, status: 401, rpc: 4010, headers: challenge },
  credentials_ambiguous: { send: { headers: { 'x-api-key': 'k' } }, status: 400, rpc: 4000, headers: challenge },
  token_invalid: { send: { token: 'x' }, status: 401, rpc: 4011, headers: challenge },
  token_expired: { send: { claims: { exp: 1000 } }, status: 401, rpc: 4012, headers: challenge },
  audience_mismatch: { send: { claims: { aud: 'https://other.test' } }, status: 401, rpc: 4013, headers: challenge },
  identity_unavailable: {
    prepare: parts(() => ({
      verifier: { verify: async () => throwing('identity_unavailable', { retryAfterMs: 1500 })() },
    })),
    send: {},
    status: 503,
    rpc: -32603,
    outcome: 'failed',
    headers: { 'retry-after': /^2$/ },
  },
  server_unknown: { send: { path: '/servers/nosuch/mcp' }, status: 404, rpc: 4041, ...call },
  tool_unknown: { send: { params: { name: 'no.such' } }, status: 200, rpc: -32602, ...call },
  version_sunset: {
    prepare: withTool({ name: 'echo.say' }, { status: 'sunset', guideUrl: 'https://guide.test/' }),
    send: {},
    status: 410,
    rpc: 4100,
    headers: { link: /guide\.test/ },
    ...call,
  },
  tool_disabled: {
    prepare: withTool({ name: 'echo.say' }, { status: 'disabled' }),
    send: {},
    status: 403,
    rpc: 4032,
    ...call,
  },
  tool_quarantined: {
    prepare: withTool({ name: 'echo.say' }, { status: 'quarantined' }),
    send: {},
    status: 403,
    rpc: 4033,
    ...call,
  },
  catalogue_unavailable: {
    prepare: parts(() => ({ catalogue: throwing('catalogue_unavailable') })),
    send: {},
    status: 503,
    rpc: -32603,
    ...broken,
  },
  insufficient_scope: {
    send: { claims: { scope: '' } },
    status: 403,
    rpc: 4031,
    headers: { 'www-authenticate': /error="insufficient_scope".*scope="echo:read"/ },
    ...call,
  },
  policy_denied: { send: { path: '/mcp', method: 'resources/list' }, status: 403, rpc: 4030, ...call },
  policy_unavailable: {
    prepare: parts(({ policy }) => ({ policy: { ...policy, decide: throwing('policy_unavailable') } })),
    send: {},
    status: 503,
    rpc: -32603,
    ...broken,
  },
  obligation_unknown: {
    prepare: parts(({ policy }) => ({ policy: { ...policy, decide: throwing('obligation_unknown') } })),
    send: {},
    status: 500,
    rpc: -32603,
    ...broken,
  },
  quota_exceeded: {
    prepare: parts(() => ({ quota: { take: async () => throwing('quota_exceeded', { retryAfterMs: 7200 })() } })),
    send: {},
    status: 429,
    rpc: 4290,
    headers: { 'retry-after': /^8$/ },
    ...call,
  },
  quota_unavailable: {
    prepare: parts(() => ({ quota: { take: async () => throwing('quota_unavailable')() } })),
    send: {},
    status: 503,
    rpc: -32603,
    ...broken,
  },
  arguments_invalid: {
    send: { params: { name: 'echo.shout', arguments: { text: 'NO', times: 9, extra: 1 } } },
    status: 200,
    rpc: 'result',
    ...call,
  },
  approval_required: {
    prepare: withTool({ name: 'echo.say', destructive: true }),
    send: { era: 'legacy' },
    status: 200,
    rpc: 'result',
    ...call,
  },
  approval_denied: {
    prepare: () => {
      withTool({ name: 'echo.say', destructive: true })();
      parts(({ approvals }) => ({
        approvals: {
          ...approvals,
          open: async (question, nowMs) => ({ ...(await approvals.open(question, nowMs)), state: 'denied' }),
        },
      }))();
    },
    send: {},
    status: 200,
    rpc: 'result',
    ...call,
  },
  arguments_unshowable: {
    prepare: () => {
      withTool({ name: 'echo.say', destructive: true })();
      parts(({ redactJson }) => ({
        redactJson: (value, readMax) => (readMax === undefined ? redactJson(value) : throwBug()),
      }))();
    },
    send: {},
    status: 200,
    rpc: 'result',
    ...call,
  },
  request_state_invalid: {
    prepare: withTool({ name: 'echo.say', destructive: true }),
    send: { params: { name: 'echo.say', arguments: {}, requestState: 'toolgate1.forged' } },
    status: 200,
    rpc: -32602,
    ...call,
  },
  approval_unavailable: {
    prepare: () => {
      withTool({ name: 'echo.say', destructive: true })();
      parts(({ grants }) => ({ grants: { ...grants, find: async () => throwing('approval_unavailable')() } }))();
    },
    send: {},
    status: 503,
    rpc: -32603,
    ...broken,
  },
  capability_missing: {
    prepare: upstreamSays(
      { jsonrpc: '2.0', id: 1, error: { code: -32021, message: 'x', data: { requiredCapabilities: {} } } },
      400,
    ),
    send: {},
    status: 400,
    rpc: -32021,
    ...call,
  },
  signing_unavailable: {
    prepare: parts(() => ({ mint: throwing('signing_unavailable', { retryAfterMs: 5000 }) })),
    send: {},
    status: 503,
    rpc: -32603,
    headers: { 'retry-after': /^5$/ },
    ...broken,
  },
  upstream_unavailable: { prepare: upstreamSays({}, 503), send: {}, status: 502, rpc: -32603, ...broken },
  upstream_timeout: {
    prepare: () => {
      world.upstream.reply = () => {};
    },
    send: {},
    status: 504,
    rpc: -32603,
    ...broken,
  },
  upstream_invalid: { prepare: upstreamSays({}), send: {}, status: 502, rpc: -32603, ...broken },
  upstream_too_large: { prepare: upstreamSays('a'.repeat(1_100_000)), send: {}, status: 502, rpc: -32603, ...broken },
  upstream_refused: { prepare: upstreamSays({}, 403), send: {}, status: 502, rpc: -32603, ...broken },
  redaction_failed: {
    prepare: parts(() => ({ redactJson: () => throwBug() })),
    send: {},
    status: 502,
    rpc: -32603,
    ...broken,
  },
  internal_error: {
    prepare: parts(({ policy }) => ({ policy: { ...policy, tenant: () => throwBug() } })),
    send: {},
    status: 500,
    rpc: -32603,
    ...broken,
  },
};

/** Refusals that no message meets at the gateway alone, or that leave no record; each has a test of its own. */
const elsewhere: Readonly<Partial<Record<RefusalCode, string>>> = {
  endpoint_not_found: 'below; no MCP message, so no record',
  audit_unavailable: 'below; there is no record, which is the point',
  client_cancelled: 'test/gateway/upstream.test.ts; there is nobody to answer',
  shutting_down: 'test/gateway/drain.test.ts',
  manifest_invalid: 'registration; its wire form below',
  declaration_invalid: 'registration; its wire form below',
  definition_changed: 'registration; its wire form below',
  name_taken: 'registration; its wire form below',
  address_not_allowed: 'registration; its wire form below',
  signature_invalid: 'test/approvals/slack-attacks.test.ts; no MCP message',
  signature_stale: 'test/approvals/slack-attacks.test.ts; no MCP message',
  message_replayed: 'test/approvals/slack-attacks.test.ts; acknowledged, only in the record',
  approver_unknown: 'test/approvals/slack-attacks.test.ts; acknowledged, only in the record',
};

test('every refusal code has its row', () => {
  const known = [...Object.keys(rows), ...Object.keys(elsewhere)].sort();
  assert.deepEqual(known, Object.keys(refusalCodes).sort());
});

for (const [code, row] of Object.entries(rows) as [RefusalCode, Row][]) {
  test(`${code} on the wire and in the record`, async () => {
    row.prepare?.();
    const { send, prepare: _prepare, ...rest } = row;
    const expected = { code, ...rest } as ExpectedRefusal;
    const answer = await expectRefusal(world, send, expected, { mayReachUpstream: true });
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.doesNotMatch(answer.text, /bug in the test|at .*\.ts:|privateDetail/);
  });
}

test('an unknown path is 404 and no door', async () => {
  const answer = await world.send({ path: '/nosuch' });
  assert.equal(answer.status, 404);
  assert.equal(answer.json.error.data.code, 'endpoint_not_found');
});

test('a call that cannot be recorded is not answered, whatever it came to', async () => {
  const full = () => {
    throw new Error('ENOSPC');
  };
  for (const send of [{}, { token: null }, { params: { name: 'no.such' } }, { body: '{' }, { method: 'tools/list' }]) {
    world.audit.onAppend = full;
    const answer = await world.send(send);
    world.audit.onAppend = () => {};
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.json.error.data.code, 'audit_unavailable');
    assert.equal(answer.json.result, undefined);
  }
});

test('what changes something is on record before it happens, and does not happen without', async () => {
  withTool({ name: 'echo.say', destructive: true })();
  const grant = {
    id: 'grant-1',
    tenant: 'acme',
    subject: 'ada',
    clientId: 'client-1',
    server: 'alpha',
    tool: 'echo.say',
    definitionHash: world.catalogue.servers[0]?.versions[0]?.tools[0]?.definitionHash ?? '',
    argumentsSha256: '',
    policyRevision: '',
    approver: 'grace',
    grantedAtMs: Date.now() - 1000,
    expiresAtMs: Date.now() + 60_000,
  };
  const grants: GatewayDeps['grants'] = {
    put: async () => {},
    find: async (asked) => ({ ...grant, argumentsSha256: asked.argumentsSha256 }),
    consume: async () => true,
    findWindow: async () => undefined,
    consumeOne: async () => undefined,
  };
  restore = world.override({ grants });
  const order: string[] = [];
  world.audit.onAppend = ({ event }: AuditEvent) => void order.push(event);
  world.upstream.reply = (seen, response) => {
    order.push('upstream');
    echoReply(seen, response);
  };
  const answer = await world.send();
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(order, ['mcp_call_intent', 'upstream', 'mcp_call']);
  const [intent, final] = world.audit.events.slice(-2);
  assert.equal(intent?.outcome, 'pending');
  assert.equal(intent?.call_id, final?.call_id);
  assert.equal(final?.approval_id, 'grant-1');
  const token = String(world.upstream.lastSeen().headers.authorization).split('.')[1] as string;
  const claims = JSON.parse(Buffer.from(token, 'base64url').toString());
  assert.equal(claims.scope, 'echo:read approved:by:human');
  assert.equal(claims.approval_id, 'grant-1');
  assert.equal(claims.arguments_sha256, final?.arguments_sha256);

  const seen = world.upstream.seen.length;
  world.audit.onAppend = ({ event }: AuditEvent) => {
    if (event === 'mcp_call_intent') throw new Error('ENOSPC');
  };
  const refused = await world.send();
  world.audit.onAppend = () => {};
  assert.equal(refused.json.error.data.code, 'audit_unavailable');
  assert.equal(world.upstream.seen.length, seen, 'it did not happen');
  assert.equal(world.lastEvent().code, 'audit_unavailable');
});

test('arguments that are wrong are told to the model, all at once', async () => {
  const answer = await world.send({ params: { name: 'echo.shout', arguments: { text: 'NO', times: 9, extra: 1 } } });
  const { violations } = answer.json.result._meta[errorMetaKey];
  assert.equal(violations.length, 3, answer.text);
  assert.equal(answer.json.result.resultType, 'complete');
  assert.equal(world.lastEvent().arguments_sha256?.length, 64);
});

test('refusals of registration have a wire form as well', () => {
  const about = { id: 1, method: 'x', isModern: true, metadataUrl: undefined, doorScopes: [] };
  for (const code of Object.keys(elsewhere) as RefusalCode[]) {
    const answer = refusalAnswer(new Refusal(code), about);
    assert.ok(answer.status >= 400, code);
    assert.deepEqual(refusalMessage(new Refusal(code), about).id, 1);
  }
});

test('a private detail is never sent', () => {
  const refusal = new Refusal('upstream_invalid', { privateDetail: 'secret' }, { cause: new Error('secret') });
  const about = { id: 1, method: 'x', isModern: true, metadataUrl: undefined, doorScopes: [] };
  assert.doesNotMatch(JSON.stringify(refusalAnswer(refusal, about)), /secret/);
});

test('an envelope that is not an object is no envelope', async () => {
  assert.equal((await world.send({ params: { _meta: [modernMeta] } })).json.error.code, -32602);
});

function throwBug(): never {
  throw new Error('bug in the test');
}
