import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type RefusalCode, refusalCodes } from '../../runtime/contract/refusal-codes.ts';
import { refusalAnswer } from '../../runtime/gateway/transport/wire-errors.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';

const page = readFileSync(new URL('../../docs/wire.md', import.meta.url), 'utf8');
const rows = new Map(
  [...page.matchAll(/^\| `([a-z_]+)` \| ([0-9]+|-)[^|]*\| (-?[0-9]+|result|-) /gm)].map((row) => [row[1], row]),
);
/** Answered by other services, in forms of their own. */
const elsewhere = [
  'manifest_invalid',
  'declaration_invalid',
  'address_not_allowed',
  'definition_changed',
  'name_taken',
  'signature_invalid',
  'signature_stale',
  'message_replayed',
  'approver_unknown',
];

test('docs/wire.md has each refusal with the status and code that it has', () => {
  const about = { id: 1, method: 'tools/call', isModern: true, metadataUrl: undefined, doorScopes: [] };
  for (const code of Object.keys(refusalCodes) as RefusalCode[]) {
    if (elsewhere.includes(code) || code === 'client_cancelled') {
      assert.ok(page.includes(`\`${code}\``), code);
      continue;
    }
    const { status, body } = refusalAnswer(new Refusal(code), about);
    const message = JSON.parse(body ?? '{}');
    assert.equal(rows.get(code)?.[2], String(status), code);
    assert.equal(rows.get(code)?.[3], message.result === undefined ? String(message.error.code) : 'result', code);
  }
});
