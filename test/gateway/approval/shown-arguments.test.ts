import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Json, JsonObject } from '../../../runtime/contract/json.ts';
import { shownBytesMax } from '../../../runtime/gateway/approval/shown-arguments.ts';
import { canonicalSha256 } from '../../../runtime/shared/canonical-json.ts';
import { type ApprovalWorld, approvalOf, openApprovalWorld } from '../../support/approval-world.ts';

/** As a tenant's data may allow; policy's own bound is 128 KiB. */
const requestBytesMax = 1_048_576;
const words = (length: number) => 'lorem ipsum '.repeat(Math.ceil(length / 12)).slice(0, length);
/** Arguments that are `bytes` of JSON text. */
const ofBytes = (bytes: number): JsonObject => ({ text: words(bytes - '{"text":""}'.length) });

function nested(depth: number, bottom: Json): Json {
  let value = bottom;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

/** What people are shown of a call with these arguments. */
async function shownOf(world: ApprovalWorld, args: JsonObject): Promise<JsonObject | undefined> {
  const request = await world.store.find(approvalOf(await world.change({ arguments: args })), world.now());
  assert.ok(request);
  return world.store.wholeArguments(request);
}

suite('people are shown', () => {
  test('every character and member of the arguments, however long, wide or deep they are', async (t) => {
    const world = await openApprovalWorld(t, { requestBytesMax });
    const rows: Readonly<Record<string, JsonObject>> = {
      'a long text': { text: `${words(200_000)} and drop everything` },
      'text of 256 KiB': ofBytes(shownBytesMax),
      'member 101': { ids: Array.from({ length: 150 }, (_, i) => i) },
      'member 10,000': { ids: Array.from({ length: 10_000 }, (_, i) => i) },
      'names beyond a hundred': Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`k${i}`, i])),
      'depth 17': { deep: nested(17, 'bottom') },
      'depth 55': { deep: nested(55, 'bottom') },
      'a name of 300 characters': { ['n'.repeat(300)]: 'all' },
      'names that differ at their end': { [`${'n'.repeat(300)}a`]: 'drop', [`${'n'.repeat(300)}b`]: 'keep' },
      'long JSON in a text': { body: JSON.stringify({ note: words(60_000), end: 'drop everything' }) },
      'what looks like marks of ours': { text: 'select 1[cut]', ids: [1, '[9 more]'], '[cut]': true },
      'long, with what looks like marks of ours': { text: `${words(17_000)}[cut]`, ids: ['[9 more]'] },
    };
    for (const [what, args] of Object.entries(rows)) assert.deepEqual(await shownOf(world, args), args, what);
  });

  test('no secret and no personal data of them, wherever these stand', async (t) => {
    const world = await openApprovalWorld(t, { requestBytesMax });
    const shown = await shownOf(world, {
      text: `${words(100_000)} for ada@example.org`,
      ids: [...Array.from({ length: 200 }, (_, i) => i), '078-05-1121'],
      body: JSON.stringify({ note: words(60_000), password: 'hunter2hunter2' }),
      deep: nested(40, { ssn: '900123456' }),
      [`${'n'.repeat(300)} bob@example.org`]: 1,
    });
    const text = JSON.stringify(shown);
    assert.equal(/ada@|bob@|078-05|900123|hunter2/.exec(text), null);
    assert.ok(text.includes('for <EMAIL_ADDRESS of 15 characters>'));
    assert.ok(text.length > 160_000);
  });
});

suite('a mask', () => {
  test('says how long what it covers is, in values, names, JSON in a text and encodings', async (t) => {
    const world = await openApprovalWorld(t);
    const encoded = Buffer.from('mail to ada@example.org').toString('base64');
    const shown = await shownOf(world, {
      text: "update users set password='hunter2' where mail = 'ada@example.org'",
      'ada@example.org': 1,
      token: 'aB3#$;--%20 ;drop',
      body: JSON.stringify({ password: 'x' }),
      encoded,
    });
    assert.deepEqual(shown, {
      text: "update users set password='<PASSWORD of 7 characters>' where mail = '<EMAIL_ADDRESS of 15 characters>'",
      '<EMAIL_ADDRESS of 15 characters>': 1,
      token: '<SECRET of 17 characters>',
      body: JSON.stringify({ password: '<PASSWORD of 1 character>' }),
      encoded: Buffer.from('mail to <EMAIL_ADDRESS of 15 characters>').toString('base64'),
    });
  });

  const pem = (label: string) => `-----${label} PRIVATE KEY-----`;
  const rows: Readonly<Record<string, readonly [args: JsonObject, type: string]>> = {
    'an expression after the word password': [
      { text: 'DELETE FROM users WHERE password=name/**/or/**/true' },
      'PASSWORD',
    ],
    'the name of a column': [{ text: 'DELETE FROM users WHERE password=password' }, 'PASSWORD'],
    'what stands between the marks of a key': [
      { text: `DELETE FROM carts WHERE id = 5 /* aaaaaaaaaaaaaaaa ${pem('BEGIN')} */ OR true /* ${pem('END')} */` },
      'PRIVATE_KEY',
    ],
    'the rest of the text after the beginning of a key': [
      { text: `DELETE FROM carts WHERE id = 5 -- aaaaaaaaaaaaaaaa ${pem('BEGIN')}\n OR true` },
      'PRIVATE_KEY',
    ],
    'an expression in what looks like a URL': [{ text: "DELETE FROM t WHERE u = 'x://:'or'1'='1'--@'" }, 'PASSWORD'],
    'the same in a name': [{ 'WHERE password=name/**/or/**/true': 1 }, 'PASSWORD'],
    'the same in JSON in a text': [
      { text: JSON.stringify({ sql: 'DELETE FROM users WHERE password=name/**/or/**/true' }) },
      'PASSWORD',
    ],
    'the same in base64': [
      { text: Buffer.from('DELETE FROM users WHERE password=name/**/or/**/true').toString('base64') },
      'PASSWORD',
    ],
    'members below a name that says password': [{ text: { password: { op: 'drop database' } } as Json }, 'PASSWORD'],
    'words under a name that says e-mail': [{ text: { email: 'look at; drop all' } }, 'EMAIL_ADDRESS'],
  };
  for (const [what, [args, type]] of Object.entries(rows)) {
    test(`does not hide ${what}: nobody is asked, and it is on record with its digest`, async (t) => {
      const world = await openApprovalWorld(t, { questionsPerHourMax: 1 });
      const { json: answer } = await world.change({ arguments: args });
      const { content, _meta } = answer.result;
      assert.equal(_meta['dev.toolgate/error'].code, 'arguments_unshowable');
      assert.match(content[0].text, new RegExp(`what would be masked as ${type} may be more than that\\. Write it so`));
      const { outcome, code, arguments_sha256 } = world.lastEvent();
      assert.deepEqual([outcome, code, arguments_sha256], ['refused', 'arguments_unshowable', canonicalSha256(args)]);
      assert.deepEqual(await world.store.listUnsettled(), []);
      approvalOf(await world.change());
    });
  }
});

suite('what people cannot be shown whole is asked of nobody', () => {
  const addresses = Object.fromEntries(Array.from({ length: 9500 }, (_, i) => [`a${i}@b.co`, 1]));
  const rows: Readonly<Record<string, readonly [args: JsonObject, why: RegExp]>> = {
    'a byte over 256 KiB': [ofBytes(shownBytesMax + 1), /they are longer than 262144 bytes/],
    'a byte over 256 KiB in two of UTF-8': [{ text: 'é'.repeat(131_067) }, /they are longer than 262144 bytes/],
    'what marks make longer than that': [{ addresses, text: words(60_000) }, /they are longer than 262144 bytes/],
    'what is longer than that before it is masked': [
      { list: Array(6000).fill(`${'a'.repeat(37)}@b.io`) },
      /longer than 262144/,
    ],
    'what would take redaction too long': [{ text: 'ssn%A1(%DE89'.repeat(20_000) }, /too long for all the encodings/],
    'names that would take it too long': [{ ['é%A1('.repeat(40_000)]: 1 }, /too long for all the encodings/],
    'JSON in a text, too deep to be read': [
      { body: JSON.stringify(nested(200, 'ada@example.org')) },
      /nest too deeply/,
    ],
  };
  for (const [what, [args, why]] of Object.entries(rows)) {
    test(`${what}: told to every kind of client, on record with its digest, and not counted`, async (t) => {
      const world = await openApprovalWorld(t, { questionsPerHourMax: 1, requestBytesMax });
      for (const sending of [
        { era: 'legacy' as const },
        {},
        { capabilities: { elicitation: { url: {} } } },
        { capabilities: { elicitation: { form: {} } } },
      ]) {
        const { status, json: answer } = await world.change({ ...sending, arguments: args });
        const { isError, content, structuredContent, _meta } = answer.result;
        assert.deepEqual([status, isError], [200, true]);
        assert.match(content[0].text, why);
        assert.match(content[0].text, /Send less at a time/);
        assert.equal(_meta['dev.toolgate/error'].code, 'arguments_unshowable');
        assert.equal(structuredContent.code, 'arguments_unshowable');
        const { outcome, code, reason, arguments_sha256 } = world.lastEvent();
        assert.deepEqual([outcome, code], ['refused', 'arguments_unshowable']);
        assert.match(reason ?? '', why);
        assert.equal(arguments_sha256, canonicalSha256(args));
      }
      assert.deepEqual(await world.store.listUnsettled(), []);
      assert.ok(world.audit.events.every(({ event }) => event !== 'approval_requested'));
      assert.equal(world.upstream.seen.length, 0);
      // The one question of this hour is still there to be asked.
      approvalOf(await world.change());
    });
  }
});
