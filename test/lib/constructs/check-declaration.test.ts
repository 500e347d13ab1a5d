import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as cdk from 'aws-cdk-lib';
import { checkDeclaration, type DeclaredServer, renderDeclaration } from '../../../lib/constructs/check-declaration.ts';
import { Approval } from '../../../lib/constructs/tool-declaration.ts';
import { billingServer } from '../billing-server.ts';

const billing: DeclaredServer = { name: 'billing', ...billingServer };
const [list, cancel] = billing.tools;
assert.ok(list && cancel);

test('a good declaration passes and is what the registry reads', () => {
  checkDeclaration(new cdk.Stack(), billing);
  const declaration = renderDeclaration(billing, {
    url: 'http://billing.tools.prod.internal',
    audience: 'urn:toolgate:server:billing',
    revision: 'arn:1',
  });
  const schema = JSON.parse(readFileSync('runtime/contract/server-declaration.schema.json', 'utf8'));
  const validate = new Ajv2020().compile(schema);
  assert.ok(validate(declaration), JSON.stringify(validate.errors));
  assert.deepEqual(declaration.slo, { availability: 99.9, latencyP95Ms: 800 });
  assert.deepEqual(declaration.tools[0], { name: 'invoices.list', scopes: ['billing:read'], destructive: false });
  assert.deepEqual(declaration.scopes['billing:read'], { words: 'read invoices', changes: false });
});

const mistakes: readonly [string, Partial<DeclaredServer>, RegExp][] = [
  ['a name in capitals', { name: 'Billing' }, /name is "Billing": give a literal of 1 to 63 lower-case letters/],
  ['a name that ends with a hyphen', { name: 'billing-' }, /name is "billing-"/],
  ['a name that is a token', { name: cdk.Fn.ref('Name') }, /name is a token: give a literal/],
  [
    'a name of the platform',
    { name: 'gateway' },
    /name is "gateway", which the platform itself uses, as it does "gateway", "id"/,
  ],
  ['an owner with a blank', { owner: 'Team Billing' }, /owner is "Team Billing": name the team/],
  [
    'a promise nobody keeps',
    { slo: { ...billing.slo, availability: 100 } },
    /slo.availability is 100: give the percentage .* from 50 to 99.999/,
  ],
  ['a share for a percentage', { slo: { ...billing.slo, availability: 0.999 } }, /slo.availability is 0.999/],
  ['no number', { slo: { ...billing.slo, availability: Number.NaN } }, /slo.availability is NaN/],
  [
    'no time at all',
    { slo: { ...billing.slo, latencyP95: cdk.Duration.millis(0) } },
    /slo.latencyP95 is 0 ms: give a duration/,
  ],
  ['hours', { slo: { ...billing.slo, latencyP95: cdk.Duration.hours(2) } }, /slo.latencyP95 is 7200000 ms/],
  ['no tool', { tools: [], scopes: {} }, /tools is empty: name every tool/],
  [
    'a tool name in capitals',
    { tools: [{ ...list, name: 'listInvoices' }, cancel] },
    /tools has "listInvoices": a tool's name is lower-case words/,
  ],
  ['a tool name of 65 characters', { tools: [{ ...list, name: 'a'.repeat(65) }, cancel] }, /at most 64 characters/],
  ['two tools of one name', { tools: [list, cancel, list] }, /tools has "invoices.list" twice: leave one out/],
  [
    'a tool without scopes',
    { tools: [{ ...list, scopes: [] }, list, cancel] },
    /the scopes of the tool "invoices.list" are \(none\): name 1 to 16/,
  ],
  [
    'a scope named twice',
    { tools: [{ ...list, scopes: ['billing:read', 'billing:read'] }, cancel] },
    /name 1 to 16 different ones/,
  ],
  [
    'a scope that is not declared',
    { tools: [list, cancel, { name: 'x', scopes: ['billing:all'] }] },
    /the tool "x" needs the scope "billing:all", which scopes does not have: add it .* there are "billing:read", "billing:write"/,
  ],
  [
    'a scope that no tool needs',
    { scopes: { ...billing.scopes, 'billing:all': { words: 'do all' } } },
    /scopes has "billing:all", which no tool needs/,
  ],
  [
    'a scope with a blank',
    { scopes: { ...billing.scopes, 'billing read': { words: 'read' } } },
    /scopes has "billing read": a scope is 1 to 128 letters/,
  ],
  ['a scope with a star', { scopes: { ...billing.scopes, 'billing:*': { words: 'read' } } }, /scopes has "billing:\*"/],
  [
    'a scope of the platform',
    { scopes: { ...billing.scopes, 'approved:by:human': { words: 'approve' } } },
    /scopes has "approved:by:human", which the platform itself gives/,
  ],
  [
    'empty words',
    { scopes: { ...billing.scopes, 'billing:read': { words: ' ' } } },
    /scopes\["billing:read"\].words is " ": complete "It may …"/,
  ],
  [
    'words with a full stop',
    { scopes: { ...billing.scopes, 'billing:read': { words: 'read.' } } },
    /words ends with "\."/,
  ],
  [
    'a destructive tool without approval',
    { tools: [list, { ...cancel, approval: undefined }] },
    /the tool "invoices.cancel" is destructive and names no approval: add approval: Approval.required\(\), because no destructive call passes/,
  ],
  [
    'approval of what changes nothing',
    { tools: [{ ...list, approval: Approval.required() }, cancel] },
    /"invoices.list" names an approval and is not destructive/,
  ],
  [
    'a destructive tool whose scopes change nothing',
    { tools: [list, { ...cancel, scopes: ['billing:read'] }], scopes: { 'billing:read': { words: 'read' } } },
    /none of its scopes "billing:read" changes something: add changes: true/,
  ],
  ['no owner', { owner: undefined as never }, /owner is undefined, and it is required/],
  ['no service level', { slo: undefined as never }, /slo is undefined, and it is required/],
  ['no list of tools', { tools: undefined as never }, /tools is undefined, and it is required/],
  ['no scopes at all', { scopes: undefined as never }, /scopes is undefined, and it is required/],
  ['no tool where one should be', { tools: [list, cancel, null as never] }, /tools has undefined: a tool's name is/],
  ['a tool that names no scopes', { tools: [{ name: 'x' } as never] }, /the scopes of the tool "x" are \(none\)/],
  [
    'a scope that every object has',
    { tools: [list, cancel, { name: 'x', scopes: ['constructor'] }] },
    /the tool "x" needs the scope "constructor", which scopes does not have/,
  ],
  [
    'a scope that is a token',
    { tools: [list, cancel, { name: 'x', scopes: [cdk.Fn.ref('Scope')] }] },
    /the tool "x" needs the scope a token, which scopes does not have/,
  ],
  [
    'a scope without words',
    { scopes: { ...billing.scopes, 'billing:read': {} as never } },
    /scopes\["billing:read"\].words is undefined: complete/,
  ],
  [
    'words that only the deployment knows',
    { scopes: { ...billing.scopes, 'billing:read': { words: cdk.Fn.ref('Words') } } },
    /scopes\["billing:read"\].words is a token: complete/,
  ],
  [
    'a percentage that only the deployment knows',
    { slo: { ...billing.slo, availability: cdk.Token.asNumber({ Ref: 'Availability' }) } },
    /slo.availability is a token/,
  ],
  [
    'a number for a duration',
    { slo: { ...billing.slo, latencyP95: 800 as never } },
    /slo.latencyP95 is 800: give a literal duration, e.g. Duration.millis\(800\)/,
  ],
];

for (const [what, change, sentence] of mistakes) {
  test(`${what} is refused with the path, the value and what to do`, () => {
    const scope = new cdk.Stack(new cdk.App(), 'Tenant');
    assert.throws(
      () => checkDeclaration(scope, { ...billing, ...change }),
      (error: Error) => {
        assert.match(error.message, /^Tenant: /);
        assert.match(error.message, sentence);
        return true;
      },
    );
  });
}
