import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { canonicalSha256 } from '../../runtime/shared/canonical-json.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import {
  audience,
  callMessage,
  type PostOptions,
  startToolServerWorld,
  type ToolServerWorld,
} from './tool-server-world.ts';

describe('a tool server that is reached past the gateway', () => {
  let world: ToolServerWorld;
  before(async () => {
    world = await startToolServerWorld();
  });
  beforeEach(() => {
    world.audit.events.length = 0;
    world.calls.length = 0;
  });
  after(() => world.server.close());

  interface Row {
    readonly what: string;
    readonly message?: unknown;
    readonly options?: () => PostOptions;
    readonly status: number;
    readonly code: string;
    readonly challenge?: RegExp;
    /** Tenant of the record; a caller who proved nothing has none. */
    readonly tenant?: string;
    /** What is on record beside the code. */
    readonly reason?: RegExp;
  }

  const withClaims = (claims: Readonly<Record<string, unknown>>) => () => ({
    token: world.tokens.token(audience, { scope: 'echo:read', ...claims }),
  });
  const approved = { scope: 'echo:write approved:by:human', tool: 'echo.write' };
  const asRegistry = (claims: Readonly<Record<string, unknown>>) => () => ({
    token: world.tokens.registry.token(audience, claims),
  });
  const rows: readonly Row[] = [
    {
      what: 'without a token',
      options: () => ({ token: null }),
      status: 401,
      code: 'credentials_missing',
      challenge: /^Bearer$/,
    },
    {
      what: 'with nonsense for a token',
      options: () => ({ token: 'x.y' }),
      status: 401,
      code: 'token_invalid',
      challenge: /error="invalid_token"/,
    },
    {
      what: 'with Basic credentials',
      options: () => ({ token: null, headers: { authorization: 'Basic YTpi' } }),
      status: 401,
      code: 'token_invalid',
      challenge: /error="invalid_token"/,
    },
    {
      what: "with the gateway's token for another server",
      options: withClaims({ aud: 'urn:toolgate:server:other' }),
      status: 401,
      code: 'audience_mismatch',
      challenge: /error="invalid_token"/,
    },
    {
      what: "with a caller's own token, which names no actor",
      options: withClaims({ act: undefined }),
      status: 401,
      code: 'token_invalid',
      challenge: /through the gateway only/,
      reason: /\. \(the token names no actor for whom its issuer signs\)$/,
    },
    {
      what: 'with a token of another actor',
      options: withClaims({ act: { sub: 'spiffe://toolgate.local/approvals' } }),
      status: 401,
      code: 'token_invalid',
    },
    {
      what: "with the gateway's token that names the registry",
      options: withClaims({ act: { sub: 'spiffe://toolgate.local/registry' } }),
      status: 401,
      code: 'token_invalid',
    },
    {
      what: "with the registry's token that names the gateway",
      options: asRegistry({ act: { sub: 'spiffe://toolgate.local/gateway' }, scope: 'echo:read' }),
      status: 401,
      code: 'token_invalid',
    },
    {
      what: "with the registry's token that says it is of the gateway's issuer",
      options: () => ({ token: world.tokens.registry.token(audience, { iss: world.tokens.issuer }) }),
      status: 401,
      code: 'token_invalid',
    },
    {
      what: "with the registry's token",
      options: asRegistry({ scope: 'echo:read' }),
      status: 403,
      code: 'insufficient_scope',
      tenant: 'acme',
      reason: /registry lists tools and does nothing else/,
    },
    {
      what: "for a destructive tool with the registry's token and a yes",
      message: callMessage('echo.write'),
      options: asRegistry({ scope: 'echo:write approved:by:human' }),
      status: 403,
      code: 'insufficient_scope',
      tenant: 'acme',
    },
    {
      what: "with the registry's token and a method that a client begins with",
      message: { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} },
      options: asRegistry({}),
      status: 403,
      code: 'insufficient_scope',
      tenant: 'acme',
    },
    {
      what: 'with an actor that is no object',
      options: withClaims({ act: 'spiffe://toolgate.local/gateway' }),
      status: 401,
      code: 'token_invalid',
    },
    {
      what: 'with an expired token',
      options: withClaims({ exp: Math.floor(Date.now() / 1000) - 120 }),
      status: 401,
      code: 'token_expired',
    },
    {
      what: 'with a token without a tenant',
      options: withClaims({ tenant: undefined }),
      status: 401,
      code: 'token_invalid',
    },
    { what: 'with a token without an id', options: withClaims({ jti: undefined }), status: 401, code: 'token_invalid' },
    {
      what: 'with a token that lacks the scope of the tool',
      options: withClaims({ scope: 'echo:rea echo:read:all Echo:read' }),
      status: 403,
      code: 'insufficient_scope',
      challenge: /error="insufficient_scope", scope="echo:read"/,
      tenant: 'acme',
    },
    {
      what: 'with a token for another tool',
      options: withClaims({ tool: 'echo.write' }),
      status: 403,
      code: 'insufficient_scope',
      tenant: 'acme',
    },
    {
      what: 'for a destructive tool without a yes of a person',
      message: callMessage('echo.write'),
      options: withClaims({ scope: 'echo:write' }),
      status: 403,
      code: 'approval_required',
      challenge: /error="insufficient_scope", scope="echo:write approved:by:human"/,
      tenant: 'acme',
    },
    {
      what: 'for a destructive tool with a yes but without its scope',
      message: callMessage('echo.write'),
      options: withClaims({ scope: 'approved:by:human' }),
      status: 403,
      code: 'insufficient_scope',
      tenant: 'acme',
    },
    {
      what: 'for a destructive tool with something like a yes',
      message: callMessage('echo.write'),
      options: withClaims({ scope: 'echo:write approved:by:human:no approved:by:humans' }),
      status: 403,
      code: 'approval_required',
      tenant: 'acme',
    },
    {
      what: 'for a destructive tool with a yes to no arguments in particular',
      message: callMessage('echo.write'),
      options: withClaims({ scope: 'echo:write approved:by:human' }),
      status: 403,
      code: 'insufficient_scope',
      tenant: 'acme',
      reason: /The token is for other arguments/,
    },
    {
      what: 'for a destructive tool with a yes to other arguments',
      message: callMessage('echo.write'),
      options: withClaims({ ...approved, arguments_sha256: canonicalSha256({ text: 'hello ' }) }),
      status: 403,
      code: 'insufficient_scope',
      tenant: 'acme',
      reason: /The token is for other arguments/,
    },
    {
      what: 'for a destructive tool with something that is no hash',
      message: callMessage('echo.write'),
      options: withClaims({ ...approved, arguments_sha256: [canonicalSha256({ text: 'hello' })] }),
      status: 401,
      code: 'token_invalid',
    },
    {
      what: 'for a tool that is not there',
      message: callMessage('echo.nothing'),
      status: 200,
      code: 'tool_unknown',
      tenant: 'acme',
    },
    {
      what: 'for a tool named __proto__',
      message: callMessage('__proto__'),
      status: 200,
      code: 'tool_unknown',
      tenant: 'acme',
    },
    {
      what: 'with a batch',
      message: [callMessage('echo.read'), callMessage('echo.write')],
      status: 400,
      code: 'batch_refused',
      tenant: 'acme',
    },
    {
      what: 'with a batch of one',
      message: [callMessage('echo.write')],
      status: 400,
      code: 'batch_refused',
      tenant: 'acme',
    },
    {
      what: 'with a body that is no JSON',
      message: '{"jsonrpc":',
      status: 400,
      code: 'json_malformed',
      tenant: 'acme',
    },
    {
      what: 'with the tool named twice',
      message:
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo.read","name":"echo.write","arguments":{"text":"x"}}}',
      status: 400,
      code: 'json_unsafe',
      tenant: 'acme',
    },
    {
      what: 'with an answer for a message',
      message: { jsonrpc: '2.0', id: 1, result: {} },
      status: 400,
      code: 'message_invalid',
      tenant: 'acme',
    },
    {
      what: 'with too large a body',
      message: callMessage('echo.read', { text: 'x'.repeat(70_000) }),
      status: 413,
      code: 'body_too_large',
      tenant: 'acme',
    },
    {
      what: 'with a body that nests without end',
      message: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo.read","arguments":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`,
      status: 400,
      code: 'json_too_complex',
      tenant: 'acme',
    },
    {
      what: 'with a body of another type',
      options: () => ({ headers: { 'content-type': 'text/plain' } }),
      status: 415,
      code: 'media_type_unsupported',
      tenant: 'acme',
    },
    {
      what: 'from a web page',
      options: () => ({ headers: { origin: 'https://evil.example' } }),
      status: 403,
      code: 'origin_not_allowed',
    },
    {
      what: 'from a page without an origin',
      options: () => ({ headers: { origin: 'null' } }),
      status: 403,
      code: 'origin_not_allowed',
    },
  ];

  for (const {
    what,
    message = callMessage('echo.read'),
    options,
    status,
    code,
    challenge,
    tenant = '_unknown',
    reason = /.{11}/,
  } of rows) {
    test(`${what}: ${code}, recorded`, async () => {
      const response = await world.post(message, options?.());
      const body = (await response.json()) as { error: { data: { code: string }; message: string } };
      assert.deepEqual([response.status, body.error.data.code], [status, code]);
      const shown = response.headers.get('www-authenticate');
      if (challenge !== undefined) assert.match(shown ?? '', challenge);
      // RFC 9110 § 11.6.1: a 401 always says how to authenticate.
      assert.equal(
        shown !== null,
        status === 401 || challenge !== undefined || code === 'insufficient_scope' || code === 'approval_required',
      );
      assert.equal(world.calls.length, 0, 'no tool ran');
      const [event, ...more] = world.audit.events;
      assert.equal(more.length, 0);
      assert.deepEqual(
        [event?.event, event?.outcome, event?.code, event?.http_status, event?.tenant, event?.server],
        ['http_refusal', 'refused', code, status, tenant, 'test'],
      );
      assert.match(event?.reason ?? '', reason);
    });
  }

  test('the registry lists tools with its own token, where its issuer is trusted', async () => {
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    const { registry } = world.tokens;
    const listed = await world.post(list, { token: registry.token(audience) });
    assert.equal(listed.status, 200);
    assert.match(await listed.text(), /echo\.write/);
    const other = await startToolServerWorld({ registry: undefined });
    const refused = await other.post(list, { token: other.tokens.registry.token(audience) });
    assert.equal(refused.status, 401);
    assert.equal(other.audit.events[0]?.code, 'token_invalid');
    await other.server.close();
  });

  test('a Host that is not ours, or two of them: host_not_allowed, recorded', async () => {
    for (const headers of [
      ['Host', 'evil.example'],
      ['Host', `127.0.0.1:${world.server.port}`, 'Host', 'evil.example'],
    ]) {
      assert.equal(await rawPost(world.server.port, '/mcp', headers), 403);
    }
    assert.deepEqual(
      world.audit.events.map(({ code }) => code),
      ['host_not_allowed', 'host_not_allowed'],
    );
  });

  test('a token twice, or in the query: credentials_ambiguous, recorded', async () => {
    const token = world.tokens.token(audience, { scope: 'echo:read' });
    const own = ['Host', `127.0.0.1:${world.server.port}`];
    const twice = [...own, 'Authorization', `Bearer ${token}`, 'Authorization', `Bearer ${token}`];
    assert.equal(await rawPost(world.server.port, '/mcp', twice), 400);
    assert.equal(
      await rawPost(world.server.port, `/mcp?access_token=${token}`, [...own, 'Authorization', `Bearer ${token}`]),
      400,
    );
    assert.deepEqual(
      world.audit.events.map(({ code }) => code),
      ['credentials_ambiguous', 'credentials_ambiguous'],
    );
  });

  test('GET and DELETE are answered with 405 and recorded', async () => {
    for (const method of ['GET', 'DELETE', 'PUT', 'OPTIONS']) {
      const response = await fetch(world.server.url, { method });
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST']);
    }
    assert.equal(world.audit.events.length, 4);
  });

  test('the token is checked before the body is read', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const call = request({
        port: world.server.port,
        path: '/mcp',
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': '60000' },
      });
      call.on('response', (response) => {
        resolve(response.statusCode ?? 0);
        call.destroy();
      });
      call.on('error', reject);
      // Headers only: the body never comes.
      call.flushHeaders();
    });
    assert.equal(status, 401);
  });

  test('a refusal that cannot be recorded is answered as such', async () => {
    world.audit.onAppend = () => {
      throw new Refusal('audit_unavailable');
    };
    try {
      const response = await world.post(callMessage('echo.read'), { token: null });
      assert.equal(response.status, 503);
      assert.equal(
        ((await response.json()) as { error: { data: { code: string } } }).error.data.code,
        'audit_unavailable',
      );
    } finally {
      world.audit.onAppend = () => {};
    }
  });

  test('keys that cannot be had are a no, recorded', async () => {
    const other = await startToolServerWorld({
      verifier: { verify: () => Promise.reject(new Refusal('identity_unavailable')) },
    });
    const response = await other.post(callMessage('echo.read'));
    assert.equal(response.status, 503);
    assert.equal(other.audit.events[0]?.code, 'identity_unavailable');
    await other.server.close();
  });

  test('a verifier that breaks is a no, never a caller without a name', async () => {
    const other = await startToolServerWorld({
      verifier: { verify: () => Promise.reject(new Error('broken')) },
    });
    const response = await other.post(callMessage('echo.read'));
    assert.equal(response.status, 500);
    assert.doesNotMatch(await response.text(), /broken"/);
    assert.equal(other.calls.length, 0);
    assert.equal(other.audit.events[0]?.code, 'internal_error');
    await other.server.close();
  });

  test('a record of a refusal holds neither token nor arguments', async () => {
    const token = world.tokens.token(audience, { scope: 'other' });
    await (await world.post(callMessage('echo.read', { text: 'secret words' }), { token })).text();
    const text = JSON.stringify(world.audit.events);
    assert.ok(!text.includes('secret words') && !text.includes(token));
  });
});

/** With header lists that fetch would not send. Resolves with the status. */
function rawPost(port: number, path: string, headers: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({
      port,
      path,
      method: 'POST',
      headers: [...headers, 'Content-Type', 'application/json'],
      setHost: false,
    });
    call.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    call.on('error', reject);
    call.end(JSON.stringify(callMessage('echo.read')));
  });
}
