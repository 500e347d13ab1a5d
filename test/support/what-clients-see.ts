import assert from 'node:assert/strict';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { sampleObjects } from '../../runtime/local/object-store.ts';
import type { ClientAnswer } from './real-clients.ts';

/** A question whose answer holds personal data: the first made-up customers, Bo Birch among them. */
export const customersQuery = { sql: 'select name, email, ssn, phone, city from customers order by id limit 3' };

/** The first sample bucket, by its name on a laptop. */
export const [sampleBucket = '', objects = {}] = Object.entries(sampleObjects)[0] ?? [];

/** A page of the object store, large enough for the first sample bucket. */
export function listCall(bucket: string) {
  return { bucket, page_size: 1000 };
}

/** The answer to {@link listCall}: every key, in order. */
export function assertListed(answer: ClientAnswer): void {
  assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
  const listed = answer.structured as { readonly objects: readonly { readonly key: string }[] };
  const keys = Object.keys(objects).toSorted();
  assert.ok(keys.length > 0);
  assert.deepEqual(
    listed.objects.map(({ key }) => key),
    keys,
  );
}

/** A change that no test wants made. */
export const writeCall = { sql: "update products set stock = 0 where sku = 'SKU-0001'" };

/** The answer to {@link customersQuery} as it leaves the gateway: whole rows, and nothing to find anybody by. */
export function assertMasked(answer: ClientAnswer): void {
  assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
  const { rows } = answer.structured as { readonly rows: readonly (readonly string[])[] };
  assert.equal(rows.length, 3);
  for (const [name, email, ssn, phone, city] of rows) {
    assert.match(name ?? '', /^[A-Z]\w+ [A-Z]\w+$/);
    assert.equal(email, '<masked>');
    assert.equal(ssn, '<masked>');
    assert.doesNotMatch(phone ?? '', /\d{3}-\d{3}/);
    assert.match(city ?? '', /^[A-Z]/);
  }
  // The same rows once more, as text: nothing gets out by the other door.
  assert.match(answer.text, /<masked>/);
  for (const leak of [/@example\.com/, /\b9\d\d-\d\d-\d{4}\b/, /\+1-\d{3}-555/]) assert.doesNotMatch(answer.text, leak);
}

/** The no to a destructive call that nobody approved. */
export function assertApprovalRequired(answer: ClientAnswer): void {
  assertToldModel(answer, /A person must approve this call first/);
}

/** Arguments that do not fit, and the database's own no: what a model must read to do better. */
export const mistakes = [
  { args: {}, says: /must have required property 'sql'/ },
  { args: { sql: 'select nothing from nowhere' }, says: /nowhere/ },
] as const;

/**
 * An error that a model can read. Clients that know the tool's output schema hold structured content against it even in an error (SDK v1, the
 * Inspector), and then show neither, so an error has none that does not fit.
 */
export function assertToldModel(answer: ClientAnswer, sentence: RegExp): void {
  assert.ok(answer.kind === 'result' && answer.isError, JSON.stringify(answer));
  assert.match(answer.text, sentence);
}

/** The question that an answer names. */
export function approvalIdIn(answer: ClientAnswer): string {
  assertApprovalRequired(answer);
  const text = answer.kind === 'result' ? answer.text : '';
  return /APPROVAL_REQUIRED id=([\w-]{22})/.exec(text)?.[1] ?? assert.fail(text);
}

/** What of a record a test compares: who, what, and how it ended. */
export function gist({ caller, server, tool, outcome, code }: AuditRecord): string {
  return [caller?.subject ?? '-', server ?? '-', tool ?? '-', outcome, code ?? '-'].join(' ');
}
