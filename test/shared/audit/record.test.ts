import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { AuditEvent } from '../../../runtime/contract/audit-event.ts';
import type { Json } from '../../../runtime/contract/json.ts';
import { segmentTenant, tenantSegment } from '../../../runtime/shared/audit/audit-layout.ts';
import { encodeEvent, encodeRecord, eventBytesMax } from '../../../runtime/shared/audit/encode-event.ts';
import { auditEvent } from '../../support/audit-events.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../runtime/shared/audit/audit-record.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

function lineOf(event: AuditEvent): string {
  return encodeRecord('gw-1', 7, '0'.repeat(64), encodeEvent(event).members);
}

function assertIsOneSafeLine(line: string): void {
  assert.match(line, /^[\x20-\x7e]*$/, 'printable ASCII, one line');
  assert.ok(validate(JSON.parse(line)), JSON.stringify(validate.errors));
}

test('a record has every key of the published schema, in its order', () => {
  const line = lineOf(auditEvent());
  assertIsOneSafeLine(line);
  const record = JSON.parse(line);
  assert.deepEqual(Object.keys(record), schema.required);
  assert.deepEqual(Object.keys(record), Object.keys(schema.properties));
});

test('what else an object carries is not recorded', () => {
  const line = lineOf({
    ...auditEvent({ caller: { subject: 's', kind: 'human', roles: [], scopes: [], token: 'secret' } as never }),
    authorization: 'secret',
    seq: 99,
    writer: 'other',
  } as never);
  assertIsOneSafeLine(line);
  assert.ok(!line.includes('secret') && !line.includes('99') && !line.includes('other'));
});

// attacks-and-demands § 2, group 25. The string comes back as it was, unless `kept` says what stands for it.
const injections: readonly (readonly [name: string, text: string, kept?: string])[] = [
  ['LF and a forged record', 'x\n{"v":1,"seq":1,"event":"mcp_call"}'],
  ['CR and CRLF', 'a\rb\r\nc'],
  ['U+2028 and U+2029', 'a\u2028b\u2029c'],
  ['NEL and other C1 controls', 'a\u0085b\u009bc'],
  ['NUL, backspace and DEL', 'a\0b\bc\x7fd'],
  ['ANSI escapes', '\x1b[2J\x1b]0;title\x07'],
  ['quotes and backslashes', '","outcome":"ok","x":"\\'],
  ['a backslash before what looks like a surrogate', '\\ud800 \\\\ud800'],
  ['bidi overrides and zero width', '\u202eexe.\u2066\u200b\ufeff'],
  ['tag characters', '\u{e0041}\u{e0042}'],
  ['emoji', '\u{1f600}'],
  ['a lone high surrogate', 'a\ud800b', 'a\ufffdb'],
  ['a lone low surrogate at the end', 'a\udfff', 'a\ufffd'],
  ['surrogates the wrong way round', '\udc00\ud800', '\ufffd\ufffd'],
  ['formulas of a spreadsheet', "=cmd|' /C calc'!A0"],
  ['a formula after a tab', '\t+1-1@SUM(A1)'],
  ['__proto__', '__proto__'],
];

for (const [name, text, kept] of injections) {
  test(`${name} in any place of an event stays one line and inside its string`, () => {
    const event = auditEvent({
      call_id: text,
      tenant: text,
      caller: { subject: text, kind: text, roles: [text], scopes: [text] },
      client: { id: text, name: text, user_agent: text },
      tool: text,
      arguments: JSON.parse(JSON.stringify({ [text]: [text] })),
      response: text,
      reason: text,
      policy: { revision: text, reasons: [text], obligations: [text] },
      latency_ms: { [text]: 1 },
      detail: { x: text },
    });
    const line = lineOf(event);
    assertIsOneSafeLine(line);
    const record = JSON.parse(line);
    assert.equal(record.caller.subject, kept ?? text);
    assert.equal(record.client.user_agent, kept ?? text);
    assert.equal(record.response, kept ?? text);
    assert.equal(Object.keys(record.latency_ms)[0], kept ?? text);
  });
}

test('any event is one line of ASCII that reads back, and has no lone surrogate', () => {
  const strings = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(fc.jsonValue(), strings, strings, (value, text, other) => {
      const line = lineOf(
        auditEvent({ arguments: [value as Json, text], response: { [other]: text }, reason: other, call_id: text }),
      );
      assertIsOneSafeLine(line);
      const record = JSON.parse(line);
      assert.equal(record.call_id, text.toWellFormed());
      assert.equal(record.reason, other.toWellFormed());
      assert.deepEqual(record.arguments, [JSON.parse(JSON.stringify(value)), text.toWellFormed()]);
    }),
    { numRuns: 500 },
  );
});

test('a 1 MB argument is cut and says so; its hash stays', () => {
  const line = lineOf(auditEvent({ arguments: { sql: 'x'.repeat(1_048_576), other: 'kept' } }));
  assertIsOneSafeLine(line);
  const record = JSON.parse(line);
  assert.ok(line.length < 20_000);
  assert.match(record.arguments.sql, /^x{8192}\[cut: 1048576 characters in all\]$/);
  assert.equal(record.arguments.other, 'kept');
  assert.ok(record.detail.cut_from_bytes > 1_048_576);
  assert.equal(record.arguments_sha256, 'cd'.repeat(32));
});

test('whatever is too long is cut: many strings, a million items, many keys, deep nesting, header-sized fields', () => {
  const deep = JSON.parse(`${'['.repeat(3000)}"${'y'.repeat(300_000)}"${']'.repeat(3000)}`);
  const payloads: Partial<AuditEvent>[] = [
    { arguments: Array(10_000).fill('z'.repeat(1000)) },
    { arguments: Array(1_000_000).fill(0) },
    { response: Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`key${n}`, n])) },
    { arguments: { ['k'.repeat(500_000)]: 1 } },
    { arguments: deep },
    { client: { id: 'c'.repeat(300_000), name: 'n'.repeat(300_000), user_agent: '\u2028'.repeat(65_536) } },
    { caller: { subject: 's', kind: 'k', roles: Array(50_000).fill('role'), scopes: Array(50_000).fill('scope') } },
    { latency_ms: Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`step${n}`, n])) },
  ];
  for (const payload of payloads) {
    const { members, event } = encodeEvent(auditEvent(payload));
    assert.ok(members.length <= eventBytesMax);
    const line = encodeRecord('gw-1', 1, '0'.repeat(64), members);
    assert.match(line, /^[\x20-\x7e]*$/);
    assert.ok(JSON.parse(line).detail.cut_from_bytes > eventBytesMax);
    assert.equal(event.tenant, 'acme');
  }
});

test('a payload that has no text is dropped, never the record', () => {
  const cycle: { [key: string]: unknown } = {};
  cycle.self = cycle;
  for (const payload of [cycle, { big: 1n }]) {
    const line = lineOf(auditEvent({ arguments: payload as never }));
    assertIsOneSafeLine(line);
    const { arguments: kept, arguments_sha256, detail } = JSON.parse(line);
    assert.deepEqual([kept, arguments_sha256, detail], [null, 'cd'.repeat(32), { payload_dropped: true }]);
  }
});

test('an event without a tenant or a time of which a path may be made is refused', () => {
  const wrong: Partial<Record<keyof AuditEvent, unknown>>[] = [
    { tenant: '' },
    { tenant: 'x'.repeat(101) },
    { tenant: undefined },
    { tenant: 5 },
    { time: '../../../etc/passwd' },
    { time: '2026-13-01T00:00:00Z' },
    { time: '2026-11-21' },
    { time: '2026-11-21T10:00:00+01:00' },
    { time: undefined },
  ];
  for (const but of wrong)
    assert.throws(() => encodeEvent(auditEvent(but as Partial<AuditEvent>)), { code: 'audit_unavailable' });
});

test('no tenant name makes a path of its own; each has one segment, and no two share one', () => {
  const names = [
    '../x',
    '..',
    '.',
    '/etc',
    '%2e%2e',
    '..%5c..',
    'a\\b',
    '\uff0e\uff0e',
    'a/b',
    'a:b',
    'a\nb',
    'Acme',
    'acme ',
    'x.61',
    '=cmd',
    'tenant=acme',
    'a'.repeat(64),
    '\u202eacme',
  ];
  for (const name of names) {
    const segment = tenantSegment(name) as string;
    assert.match(segment, /^x\.[0-9a-f]+$/);
    assert.equal(segmentTenant(segment), name);
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 25 }), (name) => {
      const segment = tenantSegment(name);
      assert.match(segment ?? '', /^([a-z0-9_-]{1,63}|x\.[0-9a-f]{2,200})$/);
      assert.equal(segmentTenant(segment as string), name.toWellFormed());
    }),
  );
  for (const segment of ['..', 'x.', 'x.zz', 'x.61', 'A', 'a/b', '', 'x.c3'])
    assert.equal(segmentTenant(segment), undefined);
});
