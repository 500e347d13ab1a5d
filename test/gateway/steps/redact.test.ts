import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Allowed, MaskedColumn, Obligation } from '../../../runtime/contract/decision.ts';
import type { Json, JsonObject } from '../../../runtime/contract/json.ts';
import { checkObligations, redact, redactNotification } from '../../../runtime/gateway/steps/redact.ts';
import { isProtocolMetaKey, protocolFields } from '../../../runtime/gateway/steps/redact-protocol.ts';
import { redactJson } from '../../../runtime/shared/redact-json.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';

const ssn = '078-05-1121';
const email = 'ann@example.com';
const deps = { redactJson, maskKey: new Uint8Array(32).fill(7) };
const allowed = (...obligations: Obligation[]): Allowed => ({ allow: true, reasons: [], obligations, revision: 'r' });
const pii = allowed({ type: 'redact_pii' });

const customers = (column: string, method: MaskedColumn['method']): MaskedColumn => ({
  schema: 'public',
  table: 'customers',
  column,
  method,
});
const plan: Obligation = {
  type: 'mask_columns',
  columns: [
    customers('email', 'redact'),
    customers('ssn', 'null'),
    customers('phone', 'last4'),
    customers('name', 'hash'),
  ],
};

const column = (name: string, of = name) => ({
  name,
  type: 'text',
  origin: { kind: 'column', schema: 'public', table: 'customers', column: of },
});
const computed = (name: string, relations: Json, countOnly = false) => ({
  name,
  type: 'text',
  origin: { kind: 'computed', relations, count_only: countOnly },
});
const fromCustomers = [{ schema: 'public', table: 'customers' }];

function table(columns: readonly Json[], rows: readonly (readonly Json[])[], more: JsonObject = {}): JsonObject {
  const structured = { columns, rows, row_count: rows.length, truncated: false, ...more };
  return { content: [{ type: 'text', text: JSON.stringify(structured) }], structuredContent: structured };
}

function rowsOf(result: JsonObject): Json {
  return (result.structuredContent as JsonObject).rows as Json;
}

function refusalOf(work: () => unknown): Refusal {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return error;
  }
  throw new Error('nothing was refused');
}

test('a computed NULL is masked: it may answer a question', () => {
  const columns = [column('id'), column('email'), computed('case', fromCustomers), { name: 'no origin', type: 'text' }];
  const { result } = redact(table(columns, [[1, null, null, null]]), allowed(plan), deps);
  assert.deepEqual(rowsOf(result), [[1, null, '<masked>', '<masked>']]);
});

const steered = (...steered_by: Json[]) => table([{ ...column('id'), name: 'id' }], [[1], [2]], { steered_by });
const ofCustomers = (name: Json) => ({ schema: 'public', table: 'customers', column: name });

for (const [name, steering] of [
  ['a masked column', [ofCustomers('city'), ofCustomers('ssn')]],
  ['any column of a table that has masked ones', [ofCustomers(null)]],
  ['a column that cannot be read', ['public.customers.ssn']],
  ['a column without a table', [{ schema: 'public', column: 'ssn' }]],
] as const) {
  test(`rows that depend on ${name} are withheld, and their number with them`, () => {
    const { result } = redact(steered(...(steering as readonly Json[])), allowed(plan), deps);
    assert.equal(result.isError, true);
    assert.equal(result.structuredContent, undefined);
    assert.match(JSON.stringify(result), /masked_column_compared/);
    assert.doesNotMatch(JSON.stringify(result), /row_count|\[1\]/);
  });
}

test('what steers rows is withheld as a whole when it is no list', () => {
  const { result } = redact(table([column('id')], [[1]], { steered_by: 'nothing' }), allowed(plan), deps);
  assert.equal(result.isError, true);
});

test('rows that depend on columns that nobody masks are passed with what they depend on', () => {
  const { result } = redact(steered(ofCustomers('city')), allowed(plan), deps);
  assert.deepEqual(rowsOf(result), [[1], [2]]);
  assert.deepEqual((result.structuredContent as JsonObject).steered_by, [ofCustomers('city')]);
});

test('without a mask plan nothing is withheld', () => {
  const { result } = redact(steered(ofCustomers('ssn')), pii, deps);
  assert.deepEqual(rowsOf(result), [[1], [2]]);
});

/** Ways to read a masked column under another name. policy.md § 6, group 22. */
const bypasses: readonly (readonly [string, Json, Json, Json])[] = [
  ['its own name', column('email'), email, '<masked>'],
  ['an alias', column('e', 'email'), email, '<masked>'],
  ['an alias that is another column', column('id', 'email'), email, '<masked>'],
  ['lower(email)', computed('lower', fromCustomers), email, '<masked>'],
  ['row_to_json(c)', computed('row_to_json', fromCustomers), { id: 1, email }, '<masked>'],
  ['string_agg', computed('string_agg', fromCustomers), `${email},bob@example.com`, '<masked>'],
  ['md5(ssn)', computed('md5', fromCustomers), 'd41d8cd98f00b204e9800998ecf8427e', '<masked>'],
  ['a UNION, which has no single origin', computed('email', fromCustomers), email, '<masked>'],
  [
    'a computed column over a join',
    computed('x', [{ schema: 'public', table: 'orders' }, ...fromCustomers]),
    email,
    '<masked>',
  ],
  ['a count', computed('count', fromCustomers, true), 3, 3],
  ['a computed column of another table', computed('total', [{ schema: 'public', table: 'orders' }]), 12, 12],
  [
    'a column of that name in another table',
    { name: 'email', origin: { kind: 'column', schema: 'public', table: 'staff', column: 'email' } },
    'x',
    'x',
  ],
  ['a column without an origin', { name: 'email', type: 'text' }, email, '<masked>'],
  ['an origin of another kind', { name: 'email', origin: { kind: 'none' } }, email, '<masked>'],
  [
    'an origin with missing parts',
    { name: 'email', origin: { kind: 'column', table: 'customers' } },
    email,
    '<masked>',
  ],
  ['a computed origin without relations', { name: 'email', origin: { kind: 'computed' } }, email, '<masked>'],
  ['relations that cannot be read', computed('x', ['customers']), email, '<masked>'],
  ['a column that is not an object', 'email', email, '<masked>'],
  ['an absent value', column('email'), null, null],
];

for (const [name, definition, cell, left] of bypasses) {
  test(`the mask plan follows the origin: ${name}`, () => {
    const safe = redact(table([definition], [[cell]]), allowed(plan), deps);
    assert.deepEqual(rowsOf(safe.result), [[left]]);
    assert.deepEqual(safe.redactions.maskedCells, left === '<masked>' ? 1 : 0);
    const [block] = safe.result.content as readonly JsonObject[];
    assert.deepEqual(JSON.parse(block?.text as string), safe.result.structuredContent, 'the text is the masked table');
    if (left === '<masked>') assert.ok(!JSON.stringify(safe.result).includes(JSON.stringify(cell).slice(1, -1)));
  });
}

test('each mask method does what it says', () => {
  const columns = [column('email'), column('ssn'), column('phone'), column('name')];
  const { result } = redact(table(columns, [[email, ssn, '+1 415-555-0132', 'Ann']]), allowed(plan), deps);
  const [[masked, none, last4, hash]] = rowsOf(result) as [[Json, Json, Json, string]];
  assert.deepEqual([masked, none, last4], ['<masked>', null, '****0132']);
  assert.match(hash, /^masked-[a-p]{20}$/);
});

test('last4 shows nothing of a short value, nor of one that is no text', () => {
  const { result } = redact(
    table([column('phone')], [['1234567'], [{ n: '4155550132' }], [4155550132]]),
    allowed(plan),
    deps,
  );
  assert.deepEqual(rowsOf(result), [['****'], ['<masked>'], ['****0132']]);
});

test('a pseudonym is the same for one tenant and key, and another for another', () => {
  const one = (tenant: string, maskKey = deps.maskKey) =>
    JSON.stringify(
      rowsOf(redact(table([column('name')], [['Ann']]), allowed(plan), { ...deps, maskKey }, { tenant }).result),
    );
  assert.equal(one('acme'), one('acme'));
  assert.notEqual(one('acme'), one('globex'));
  assert.notEqual(one('acme'), one('acme', new Uint8Array(32)));
  const own = redact(table([column('name')], [['Ann'], ['Ann']]), allowed(plan), { redactJson }).result;
  const [[a], [b]] = rowsOf(own) as [[string], [string]];
  assert.equal(a, b);
});

test('under a mask plan only the table leaves', () => {
  const result = {
    ...table([column('email')], [[email, 'beyond the columns']], { notes: [email], sql: `SELECT '${email}'` }),
    resultType: 'complete',
    extra: email,
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'read' }, copy: email },
  };
  const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' };
  const content = [...((result as JsonObject).content as Json[]), image];
  const safe = redact({ ...result, content }, allowed(plan), deps);
  assert.ok(!JSON.stringify(safe.result).includes(email));
  assert.deepEqual(Object.keys(safe.result).sort(), ['_meta', 'content', 'resultType', 'structuredContent']);
  assert.deepEqual(safe.result._meta, { 'io.modelcontextprotocol/serverInfo': { name: 'read' } });
  assert.deepEqual(rowsOf(safe.result), [['<masked>', '<masked>']]);
  assert.equal((safe.result.content as Json[]).length, 1);
});

const shapeless: Readonly<Record<string, JsonObject>> = {
  'text alone': { content: [{ type: 'text', text: email }] },
  'no content': { content: [] },
  'rows that are objects': { content: [], structuredContent: { columns: [column('email')], rows: [{ email }] } },
  'rows without columns': { content: [], structuredContent: { rows: [[email]] } },
  'columns that are no list': { content: [], structuredContent: { columns: {}, rows: [[email]] } },
  'a list': { content: [], structuredContent: [email] as unknown as JsonObject },
  'a resource': { contents: [{ uri: 'x:y', text: email }] },
};

for (const [name, result] of Object.entries(shapeless)) {
  test(`a result under a mask plan that is no table is withheld: ${name}`, () => {
    assert.equal(refusalOf(() => redact(result, allowed(plan), deps)).code, 'redaction_failed');
  });
}

test('a count of changed rows is no table and leaves under a mask plan', () => {
  const safe = redact(
    { content: [{ type: 'text', text: '3' }], structuredContent: { row_count: 3 } },
    allowed(plan),
    deps,
  );
  assert.deepEqual(safe.result.structuredContent, { row_count: 3 });
});

test('an error under a mask plan quotes no value, unless the caller sent it', () => {
  const text =
    'invalid input syntax for type integer: "Ann Lee"; column "emial" does not exist; Key (name)=(Bob) exists';
  const isError = { isError: true, content: [{ type: 'text', text }] };
  const words = (call: { arguments?: JsonObject }) =>
    ((redact(isError, allowed(plan), deps, call).result.content as JsonObject[])[0] as JsonObject).text;
  assert.equal(
    words({}),
    'invalid input syntax for type integer: <masked>; column <masked> does not exist; Key <masked> exists',
  );
  assert.match(String(words({ arguments: { sql: 'SELECT emial FROM customers' } })), /<masked>; column "emial"/);
});

test('personal data in an error leaves neither in a result nor in a JSON-RPC error', () => {
  const result = { isError: true, content: [{ type: 'text', text: `bad ${ssn}` }] };
  const error = { code: -32603, message: `cannot mail ${email}`, data: { id: 1, ssn: '078051121' } };
  for (const yes of [pii, allowed(plan)]) {
    assert.ok(!JSON.stringify(redact(result, yes, deps).result).includes(ssn));
    assert.deepEqual(redact(error, yes, deps).result, {
      code: -32603,
      message: 'cannot mail <EMAIL_ADDRESS>',
      data: { id: 1, ssn: '<US_SSN>' },
    });
  }
});

test('rows are cut to max_rows, in the text too', () => {
  const result = table([column('id')], [['first row'], ['second row'], ['third row']]);
  for (const yes of [allowed({ type: 'max_rows', rows: 2 }), allowed(plan, { type: 'max_rows', rows: 2 })]) {
    const safe = redact(result, yes, deps).result;
    assert.deepEqual(rowsOf(safe), [['first row'], ['second row']]);
    assert.deepEqual(
      [(safe.structuredContent as JsonObject).row_count, (safe.structuredContent as JsonObject).truncated],
      [2, true],
    );
    assert.ok(!JSON.stringify(safe).includes('third row'));
  }
  const whole = redact(result, allowed({ type: 'max_rows', rows: 3 }), deps).result;
  assert.equal((whole.structuredContent as JsonObject).truncated, false);
});

test('a result above max_result_bytes is refused, one of just that size is not', () => {
  const result = { content: [{ type: 'text', text: 'é'.repeat(1000) }] };
  const bytes = Buffer.byteLength(JSON.stringify(result));
  assert.equal(redact(result, allowed({ type: 'max_result_bytes', bytes }), deps).result, result);
  const refusal = refusalOf(() => redact(result, allowed({ type: 'max_result_bytes', bytes: bytes - 1 }), deps));
  assert.equal(refusal.code, 'upstream_too_large');
});

/** Where personal data may stand in a result, and what is left. policy.md § 6, groups 17 and 18. */
const base64 = (text: string) => Buffer.from(text).toString('base64');
const places: readonly (readonly [string, JsonObject, JsonObject])[] = [
  [
    'a text block',
    { content: [{ type: 'text', text: `x ${ssn}` }] },
    { content: [{ type: 'text', text: 'x <US_SSN>' }] },
  ],
  [
    'structured content',
    { structuredContent: { id: ssn, type: email } },
    { structuredContent: { id: '<US_SSN>', type: '<EMAIL_ADDRESS>' } },
  ],
  [
    'a resource: text, blob and URI',
    { content: [{ type: 'resource', resource: { uri: `file:///${email}`, mimeType: 'text/plain', text: ssn } }] },
    {
      content: [
        { type: 'resource', resource: { uri: 'file:///<EMAIL_ADDRESS>', mimeType: 'text/plain', text: '<US_SSN>' } },
      ],
    },
  ],
  [
    'a blob that is text, whatever it says it is',
    { contents: [{ uri: 'x:y', mimeType: 'image/png', blob: base64(`a ${ssn} b`) }] },
    { contents: [{ uri: 'x:y', mimeType: 'image/png', blob: base64('a <US_SSN> b') }] },
  ],
  [
    'a picture that is text',
    { content: [{ type: 'image', mimeType: 'image/svg+xml', data: base64(`<svg>${email}</svg>`) }] },
    { content: [{ type: 'image', mimeType: 'image/svg+xml', data: base64('<svg><EMAIL_ADDRESS></svg>') }] },
  ],
  [
    '_meta',
    { _meta: { 'example.com/owner': email, ssn: '078051121' } },
    { _meta: { 'example.com/owner': '<EMAIL_ADDRESS>', ssn: '<US_SSN>' } },
  ],
  [
    'a prompt',
    { messages: [{ role: 'user', content: { type: 'text', text: email } }] },
    { messages: [{ role: 'user', content: { type: 'text', text: '<EMAIL_ADDRESS>' } }] },
  ],
  [
    'a resource link',
    { content: [{ type: 'resource_link', uri: 'x:y', name: email, description: ssn }] },
    { content: [{ type: 'resource_link', uri: 'x:y', name: '<EMAIL_ADDRESS>', description: '<US_SSN>' }] },
  ],
  ['a member of an extension', { 'x-note': { password: 'letmein' } }, { 'x-note': { password: '<PASSWORD>' } }],
  [
    'a question to the user',
    {
      resultType: 'input_required',
      inputRequests: { a: { method: 'elicitation/create', params: { message: `is it ${ssn}?` } } },
    },
    {
      resultType: 'input_required',
      inputRequests: { a: { method: 'elicitation/create', params: { message: 'is it <US_SSN>?' } } },
    },
  ],
  [
    'the border of two blocks',
    {
      content: [
        { type: 'text', text: 'it is 078-0' },
        { type: 'text', text: '5-1121, yes' },
      ],
    },
    {
      content: [
        { type: 'text', text: 'it is <US_SSN>' },
        { type: 'text', text: ', yes' },
      ],
    },
  ],
];

for (const [name, result, left] of places) {
  test(`redact_pii reaches: ${name}`, () => {
    assert.deepEqual(redact(result, pii, deps).result, left);
    assert.deepEqual(redact(result, allowed(), deps).result, result, 'and only where policy asks for it');
  });
}

test('binary data is left as it is', () => {
  const data = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe, ...Buffer.from(ssn)]).toString('base64');
  const result = { content: [{ type: 'image', mimeType: 'image/png', data }] };
  assert.deepEqual(redact(result, pii, deps).result, result);
});

test('a protocol field keeps its value, whatever it looks like', () => {
  const disguises = fc.constantFrom<Json>(
    ssn,
    email,
    4111111111111111,
    base64(email),
    '+1 415-555-0132',
    `Bearer ${'a1'.repeat(20)}`,
  );
  const field = fc.constantFrom(...[...protocolFields].filter((name) => name !== 'code'));
  fc.assert(
    fc.property(fc.dictionary(field, disguises, { minKeys: 1 }), disguises, (fields, value) => {
      const meta = { progressToken: value, traceparent: value, 'io.modelcontextprotocol/serverInfo': value };
      const tool = { name: value, inputSchema: { default: value }, outputSchema: { default: value } };
      const result = { ...fields, _meta: meta, tools: [tool], prompts: [{ name: value }], content: [{ ...fields }] };
      assert.deepEqual(redact(result as JsonObject, pii, deps).result, result);
      const params = { ...fields, _meta: meta };
      assert.deepEqual(redactNotification(params as JsonObject, pii, deps), params);
    }),
  );
  assert.deepEqual(Object.keys({ progressToken: 1, traceparent: 1, tracestate: 1, x: 1 }).filter(isProtocolMetaKey), [
    'progressToken',
    'traceparent',
    'tracestate',
  ]);
});

test('masking keeps the number of rows and of cells', () => {
  const cell = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant(ssn));
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell), { maxLength: 20 }), (rows) => {
      const columns = [column('id'), column('email'), computed('x', fromCustomers)];
      const kept = rowsOf(redact(table(columns, rows), allowed(plan, { type: 'redact_pii' }), deps).result) as Json[][];
      assert.deepEqual(
        kept.map((row) => row.length),
        rows.map((row) => row.length),
      );
      assert.ok(kept.every((row) => row[1] === null || row[1] === '<masked>'));
      assert.ok(kept.every((row) => row[2] === '<masked>'));
    }),
  );
});

test('when the redactor throws, nothing leaves and the cause is kept', () => {
  const cause = new Error('broken');
  const broken = {
    redactJson: () => {
      throw cause;
    },
  };
  const refusal = refusalOf(() => redact({ content: [{ type: 'text', text: ssn }] }, pii, broken));
  assert.equal(refusal.code, 'redaction_failed');
  assert.equal(refusal.cause, cause);
  assert.ok(!JSON.stringify([refusal.message, refusal.details]).includes(ssn));
  const params = { progressToken: 't', progress: 1, message: ssn };
  assert.deepEqual(redactNotification(params, pii, broken), { progressToken: 't', progress: 1, message: '<masked>' });
});

test('a result that nests too deeply is withheld', () => {
  let deep: Json = ssn;
  for (let depth = 0; depth < 100_000; depth += 1) deep = { content: [deep] };
  assert.equal(refusalOf(() => redact(deep as JsonObject, pii, deps)).code, 'redaction_failed');
});

test('an obligation that is not known is a no, before anything is sent', () => {
  const unknown = [
    { type: 'watermark' },
    { type: 'mask_columns', columns: [{ schema: 's', table: 't', column: 'c', method: 'rot13' }] },
    { type: 'max_rows', rows: -1 },
    { type: 'max_result_bytes', bytes: Number.NaN },
    { type: 'max_rows' },
  ] as unknown as Obligation[];
  for (const obligation of unknown) {
    assert.equal(refusalOf(() => checkObligations(allowed(obligation))).code, 'obligation_unknown');
    assert.equal(refusalOf(() => redact({ content: [] }, allowed(obligation), deps)).code, 'obligation_unknown');
    assert.deepEqual(redactNotification({ message: ssn, level: 'info' }, allowed(obligation), deps), {
      message: '<masked>',
      level: 'info',
    });
  }
  const known: Obligation[] = [
    plan,
    { type: 'redact_pii' },
    { type: 'max_rows', rows: 0 },
    { type: 'max_result_bytes', bytes: 1 },
    { type: 'require_approval', reason: 'x' },
    { type: 'quota', limit: 1, window_ms: 1 },
  ];
  checkObligations(allowed(...known));
});

test('a notification says what it may', () => {
  const params = { level: 'info', logger: 'db', data: { text: `row of ${email}` }, progressToken: email };
  assert.deepEqual(redactNotification(params, allowed(), deps), params);
  assert.deepEqual(redactNotification(params, pii, deps), { ...params, data: { text: 'row of <EMAIL_ADDRESS>' } });
  assert.deepEqual(redactNotification(params, allowed(plan), deps), { ...params, data: '<masked>' });
});
