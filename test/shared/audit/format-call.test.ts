import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '../../../runtime/contract/audit-event.ts';
import { formatCallLines } from '../../../runtime/shared/audit/format-call.ts';
import { auditEvent } from '../../support/audit-events.ts';

function record(but: Parameters<typeof auditEvent>[0] = {}): AuditRecord {
  return { v: 1, writer: 'gw-1', seq: 12, prev: '0'.repeat(64), ...auditEvent(but) };
}

test('a call shows tool and version, caller, policy, outcome, and where it is recorded', () => {
  const shown = formatCallLines(
    record({ redactions: { masked_cells: 2, pii: { EMAIL_ADDRESS: 3, US_SSN: 0 } } }),
    'feedface'.repeat(8),
  );
  assert.deepEqual(shown, [
    '10:00:00.000  tools/call postgres.readonly 1.2.0 on read (definition abababababab)  alice (human) [reader] through test client',
    '  scopes    echo:read',
    '  policy    allow: role_reader; must redact_pii (revision abcdef012345)',
    '  outcome   ok · 1.3 ms · 14 bytes · 2 cells masked · redacted 3 EMAIL_ADDRESS',
    '  audit     acme #12 by gw-1 sha256 feedfacefeed…',
  ]);
});

test('an answer shows to which question, of whom, what it was and why; the call that ran on it shows the question', () => {
  const but = {
    event: 'approval_decided' as const,
    approval_id: 'AAAAAAAAAAAAAAAAAAAAAA',
    policy: { revision: 'abcdef012345', reasons: ['destructive_tool'], obligations: [] },
    detail: { asked_by: 'oscar', verdict: 'deny', via: 'page', words: 'Not\u001B[2J today.' },
  };
  const [what, , policy, approval] = formatCallLines(record(but));
  assert.match(what ?? '', /^10:00:00\.000 {2}approval decided .* {2}alice \(human\) \[reader\]$/);
  assert.equal(policy, '  policy    asks: destructive_tool (revision abcdef012345)');
  assert.match(approval ?? '', /^ {2}approval {2}A{22} · deny · asked by oscar · via page · “Not\P{Cc}+ today\.”$/u);
  const ran = formatCallLines(record({ approval_id: but.approval_id, detail: { approval_receipt: 'eyJ' } }));
  assert.equal(ran[3], `  approval  ${but.approval_id}`);
  const expired = formatCallLines(
    record({ ...but, event: 'approval_expired', caller: null, detail: { asked_by: 'oscar' } }),
  );
  assert.doesNotMatch(expired.join('\n'), /caller unknown/);
});

test('a refusal shows its code and sentence; one before anybody was known shows that', () => {
  const denied = formatCallLines(
    record({
      outcome: 'refused',
      code: 'policy_denied',
      reason: 'Policy denies this call.',
      policy: { revision: 'abcdef012345', reasons: ['tool_disabled'], obligations: [] },
    }),
  );
  assert.match(denied[2] ?? '', /^ {2}policy {4}deny: tool_disabled \(revision abcdef012345\)$/);
  assert.match(denied[3] ?? '', /refused · policy_denied, Policy denies this call\./);
  const unknown = formatCallLines(
    record({ event: 'http_refusal', caller: null, client: null, tool: null, server: null, method: null, policy: null }),
  );
  assert.equal(unknown[0], '10:00:00.000  http refusal  caller unknown');
  assert.equal(unknown.length, 3);
  const registration = formatCallLines(
    record({ event: 'registration', caller: null, client: null, tool: null, method: null }),
  );
  assert.match(registration[0] ?? '', /^10:00:00\.000 {2}registration on [a-z]+$/);
});

test('no string of a record reaches the terminal as a control, a line break, or hidden text', () => {
  const evil = '\x1b[2J\r\n\u2028\u202e\u200b\u{e0041}\x9b\0';
  const lines = formatCallLines(
    record({
      tenant: evil,
      method: evil,
      server: evil,
      tool: evil,
      version: evil,
      time: evil.padEnd(24),
      definition_hash: evil,
      caller: { subject: evil, kind: evil, roles: [evil], scopes: [evil] },
      client: { id: evil, name: evil, user_agent: evil },
      policy: { revision: evil, reasons: [evil], obligations: [evil] },
      code: evil as never,
      reason: evil,
      redactions: { masked_cells: 0, pii: { [evil]: 1 } },
    }),
  );
  for (const line of lines) assert.match(line, /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u);
  assert.ok(lines.every((line) => line.length <= 600));
  assert.match(lines[0] ?? '', /\\u\{1b\}\[2J\\u\{d\}\\u\{a\}\\u\{2028\}\\u\{202e\}/);
});

test("the writer's own records show what they say", () => {
  const lines = formatCallLines(record({ event: 'writer_recovered', detail: { torn_bytes: 9 } }));
  assert.deepEqual(lines, ['10:00:00.000  writer recovered  {"torn_bytes":9}', '  audit     acme #12 by gw-1']);
});
