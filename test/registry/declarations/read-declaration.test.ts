import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDeclaration } from '../../../runtime/registry/declarations/read-declaration.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';

const good = {
  v: 1,
  name: 'billing',
  owner: 'team-billing',
  url: 'http://billing.tools.prod.internal',
  audience: 'urn:toolgate:server:billing',
  tools: [
    { name: 'invoices.list', scopes: ['billing:read'], destructive: false },
    { name: 'invoices.void', scopes: ['billing:read', 'billing:write'], destructive: true },
  ],
  scopes: {
    'billing:read': { words: 'read invoices', changes: false },
    'billing:write': { words: 'void invoices', changes: true },
  },
  slo: { availability: 99.9, latencyP95Ms: 800 },
};
const read = (value: unknown, name = 'billing') =>
  readDeclaration(name, typeof value === 'string' ? value : JSON.stringify(value), 'tools.prod.internal');

test('a declaration is read as it is written', () => {
  assert.deepEqual(read(good), good);
  const elsewhere = { ...good, url: 'https://billing.example.com', revision: 'task:7' };
  assert.deepEqual(read(elsewhere), elsewhere);
  assert.deepEqual(read({ ...good, url: 'http://billing.tools.prod.internal:8080' }).url.slice(-5), ':8080');
});

const [list, voiding] = good.tools;
const wrong: readonly (readonly [what: string, value: unknown, says: RegExp])[] = [
  ['not JSON', '{"v":1', /The declaration is not valid/],
  ['not an object', [], /The declaration must be object/],
  ['a key twice', '{"v":1,"v":1}', /declaration/],
  ['another version of the form', { ...good, v: 2 }, /v must be 1/],
  ['a member more', { ...good, admin: true }, /The declaration must not have the member "admin"/],
  ['a member less', { ...good, owner: undefined }, /must have required property 'owner'/],
  [
    'another name than its parameter',
    { ...good, name: 'orders' },
    /name is orders, but the parameter is called billing/,
  ],
  ['a name that is none', { ...good, name: '../x' }, /name must match pattern/],
  ['a url with a path', { ...good, url: 'http://billing.tools.prod.internal/mcp' }, /url must match pattern/],
  ['a url with credentials', { ...good, url: 'http://a@billing.tools.prod.internal' }, /url must match pattern/],
  ['a url in capitals', { ...good, url: 'http://BILLING.tools.prod.internal' }, /must be an origin in lower case/],
  ['a default port', { ...good, url: 'http://billing.tools.prod.internal:80' }, /without a default port/],
  ['a url of another kind', { ...good, url: 'file:///etc/passwd' }, /url must match pattern/],
  [
    "another server's host",
    { ...good, url: 'http://payroll.tools.prod.internal' },
    /host payroll.tools.prod.internal: below the tool domain the host of this server is billing.tools.prod.internal/,
  ],
  ['the tool domain itself', { ...good, url: 'http://tools.prod.internal' }, /names the host tools.prod.internal/],
  ['a host below its own', { ...good, url: 'http://a.billing.tools.prod.internal' }, /names the host a.billing/],
  [
    "another server's audience",
    { ...good, audience: 'urn:toolgate:server:payroll' },
    /audience is urn:toolgate:server:payroll: below urn:toolgate:server: that of this server is urn:toolgate:server:billing\./,
  ],
  ['no tool', { ...good, tools: [] }, /tools must NOT have fewer than 1 items/],
  ['a tool twice', { ...good, tools: [list, voiding, list] }, /The tool invoices.list is declared twice/],
  [
    'a scope that is not declared',
    { ...good, tools: [{ ...list, scopes: ['billing:all'] }, voiding] },
    /needs the scope billing:all, which scopes does not have/,
  ],
  ['a scope that no tool needs', { ...good, tools: [list] }, /No tool needs the scope billing:write/],
  [
    'a destructive tool whose scopes change nothing',
    { ...good, scopes: { ...good.scopes, 'billing:write': { words: 'void invoices', changes: false } } },
    /invoices.void is destructive, so one of its scopes must have "changes": true/,
  ],
  [
    "the mark of a person's yes",
    { ...good, tools: [{ ...list, scopes: ['approved:by:human'] }, voiding] },
    /scopes.0 must NOT be valid/,
  ],
  [
    'words that nobody sees',
    { ...good, scopes: { ...good.scopes, 'billing:read': { words: 'read\u202einvoices', changes: false } } },
    /Of scope billing:read, the text of words has the invisible or control character U\+202E/,
  ],
  [
    'words without end',
    { ...good, scopes: { ...good.scopes, 'billing:read': { words: 'x'.repeat(201), changes: false } } },
    /must NOT have more than 200 characters/,
  ],
  [
    'a service level of nothing',
    { ...good, slo: { availability: 101, latencyP95Ms: 0 } },
    /slo.availability must be <= 100/,
  ],
];
for (const [what, value, says] of wrong) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => read(value),
      (error) => {
        assert.ok(error instanceof Refusal, String(error));
        assert.equal(error.code, 'declaration_invalid');
        assert.match([error.message, ...(error.details.violations ?? [])].join('\n'), says);
        return true;
      },
    );
  });
}

test('all that is wrong is told at once', () => {
  assert.throws(
    () => read({ ...good, name: 'orders', tools: [list, list] }),
    (error) => error instanceof Refusal && (error.details.violations?.length ?? 0) >= 3,
  );
});
