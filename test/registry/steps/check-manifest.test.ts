import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import schema from '../../../runtime/contract/capability-manifest.schema.json' with { type: 'json' };
import type { Json } from '../../../runtime/contract/json.ts';
import type { CapabilityManifest, CapabilityTool } from '../../../runtime/contract/registry.ts';
import { checkManifest } from '../../../runtime/registry/steps/check-manifest.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import { sampleCapability, sampleManifest } from '../../support/tool-server.ts';

const origin = 'https://tools.test';
const good = sampleManifest(origin, [sampleCapability({ name: 'echo.read' })]);
const from = { url: `${origin}/.well-known/mcp-capabilities`, owner: undefined };
const deps = { reservedOrigins: ['https://gateway.test/'] };
const check = (value: unknown) => checkManifest(value as Json, from, deps);

test('the published schema is a valid JSON Schema 2020-12, and describes every field it names', () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false });
  assert.equal(ajv.validateSchema(schema), true);
  assert.ok(ajv.compile(schema)(good));
});

test('a good manifest comes out as it went in', () => {
  assert.equal(check(good), good);
});

suite('a manifest is refused with', () => {
  const server = (changes: object) => ({ ...good, server: { ...good.server, ...changes } });
  const auth = (changes: object) => ({ ...good, auth: { ...good.auth, ...changes } });
  const tool = (changes: Partial<Record<keyof CapabilityTool, unknown>>) => ({
    ...good,
    tools: [{ ...good.tools[0], ...changes }],
  });
  const rows: Readonly<Record<string, readonly [unknown, RegExp]>> = {
    'no object': [[], /must be object/],
    'another schema version': [{ ...good, schemaVersion: '2' }, /schemaVersion/],
    'a field that is not known': [{ ...good, stdio: 'sh -c id' }, /additional properties \("stdio"\)/],
    'a path in its server name': [server({ name: '../admin' }), /server\.name/],
    'an upper-case server name': [server({ name: 'Echo' }), /server\.name/],
    'a Cyrillic server name': [server({ name: '\u0435cho' }), /server\.name/],
    'a server name with a line break': [server({ name: 'echo\n' }), /server\.name/],
    'an endless server name': [server({ name: 'a'.repeat(64) }), /server\.name/],
    'a version that is no version': [server({ version: '1.0' }), /server\.version/],
    'a version with leading zeros': [server({ version: '01.0.0' }), /server\.version/],
    'an SLO above 100 %': [server({ slo: { availability: 101, latencyP95Ms: 1 } }), /availability/],
    'another transport': [{ ...good, transport: { type: 'stdio', url: `${origin}/mcp` } }, /transport\.type/],
    'a transport at another origin': [
      { ...good, transport: { ...good.transport, url: 'https://other.test/mcp' } },
      /another origin/,
    ],
    'a transport on another port': [
      { ...good, transport: { ...good.transport, url: 'https://tools.test:8443/mcp' } },
      /another origin/,
    ],
    'a transport that is no URL': [{ ...good, transport: { ...good.transport, url: 'https://[' } }, /another origin/],
    'the gateway as its audience': [auth({ audience: 'https://gateway.test/servers/read' }), /belongs to the gateway/],
    'no audience': [auth({ audience: '' }), /auth\.audience/],
    'no issuer': [auth({ issuers: [] }), /auth\.issuers/],
    'a wildcard scope': [tool({ scopes: ['*'] }), /scopes/],
    'a scope with a blank': [tool({ scopes: ['echo:read admin'] }), /scopes/],
    'a scope that auth does not name': [tool({ scopes: ['echo:write'] }), /auth\.scopes does not name/],
    'no scope': [tool({ scopes: [] }), /scopes/],
    'no tool': [{ ...good, tools: [] }, /tools/],
    'a tool twice': [{ ...good, tools: [good.tools[0], good.tools[0]] }, /there twice/],
    'a tool name with a slash': [tool({ name: 'echo/read' }), /name/],
    'a tool name with a colon': [tool({ name: 'echo:read' }), /name/],
    'a tool name with a line break': [tool({ name: 'echo.read\n' }), /name/],
    'a tool name with a dot at its end': [tool({ name: 'echo.' }), /name/],
    'a tool name with full-width letters': [tool({ name: '\uff45cho' }), /name/],
    'a tool name of 65 letters': [tool({ name: 'a'.repeat(65) }), /name/],
    'an endless description': [tool({ description: 'x'.repeat(4097) }), /description/],
    'an input schema of a list': [tool({ inputSchema: { type: 'array' } }), /inputSchema/],
    'annotations that are not known': [tool({ annotations: { readOnlyHint: true, trusted: true } }), /annotations/],
    'a hint that is a text': [tool({ annotations: { readOnlyHint: 'true' } }), /readOnlyHint/],
    'a destructive tool that says it only reads': [tool({ destructive: true }), /destructive and read-only/],
    'a destructive hint without the mark': [
      tool({ annotations: { readOnlyHint: true, destructiveHint: true } }),
      /destructiveHint and is not destructive/,
    ],
    'a tool that says nothing of what it changes': [tool({ annotations: {} }), /say which it is/],
  };
  for (const [what, [value, sentence]] of Object.entries(rows)) {
    test(what, () => {
      assert.throws(
        () => check(value),
        (error) => {
          assert.ok(error instanceof Refusal && error.code === 'manifest_invalid', String(error));
          assert.match((error.details.violations ?? []).join('\n'), sentence);
          return true;
        },
      );
    });
  }
});

test('every violation is named, up to fifty', () => {
  const tools = Array.from({ length: 80 }, (_, i) => ({ ...good.tools[0], name: `Tool ${i}` }));
  assert.throws(
    () => check({ ...good, tools } satisfies Partial<CapabilityManifest> | object),
    (error) => error instanceof Refusal && error.details.violations?.length === 50,
  );
});

test('an owner registers only what names that owner', () => {
  const other = { ...from, owner: 'team-evil' };
  assert.throws(
    () => checkManifest(good as unknown as Json, other, deps),
    (error) => error instanceof Refusal && error.code === 'name_taken',
  );
});
