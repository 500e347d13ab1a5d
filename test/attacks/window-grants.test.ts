import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { decodeJwt } from 'jose';
import type { AuditEvent } from '../../runtime/contract/audit-event.ts';
import { approvalMetaKey } from '../../runtime/contract/receipts.ts';
import { callOf } from '../../runtime/shared/grant-store.ts';
import type { PolicyClient } from '../../runtime/shared/policy-client.ts';
import { type ApprovalWorld, approvalOf, type ChangeOptions, openApprovalWorld } from '../support/approval-world.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';

const callsMax = 3;
const legacy = { era: 'legacy' } as const;
const inOrders = (text: string) => ({ where: { database: 'shop', table: 'orders' }, text });

suite('a yes to three calls that are alike', () => {
  const ends: (() => Promise<void> | void)[] = [];
  let world: ApprovalWorld;
  let users = 0;

  before(async () => {
    const life = { after: (end: () => Promise<void>) => void ends.unshift(end) };
    const windows = { 'echo.change': { calls_max: callsMax, same: ['/where/database', '/where/table'] } };
    world = await openApprovalWorld(life as never, { windows });
  });
  after(async () => {
    for (const end of ends) await end();
  });

  /** A user of their own with such a yes, and how they call. */
  async function approved(scope: 'call' | 'window' = 'window', approver?: string) {
    users += 1;
    const claims = { sub: `user-${users}` };
    const call = (changes: ChangeOptions = {}) =>
      world.change({
        ...legacy,
        arguments: inOrders('delete 1'),
        ...changes,
        claims: { ...claims, ...changes.claims },
      });
    const first = await call();
    const id = approvalOf(first);
    await world.approve(id, approver ?? 'grace', scope);
    world.upstream.seen.length = 0;
    return { id, call, subject: claims.sub };
  }

  const ran = () => world.upstream.seen.length;
  const recordsOf = (subject: string, event: AuditEvent['event'] = 'mcp_call') =>
    world.audit.events.filter((each) => each.event === event && each.caller?.subject === subject);

  /** Nothing ran; the answer asks for another yes, and the record says so. */
  async function expectAsked(id: string, call: () => ReturnType<ApprovalWorld['change']>) {
    const answer = await call();
    assert.equal(ran(), 0, answer.text);
    assert.notEqual(approvalOf(answer), id);
    const { outcome, code, approval_id } = world.lastEvent();
    assert.deepEqual([outcome, code, approval_id], ['refused', 'approval_required', approvalOf(answer)]);
  }

  test('is not offered where a value that would stay the same is masked: nobody can judge what they do not see', async () => {
    const where = { database: 'shop', table: 'ada@example.org' };
    const id = approvalOf(await world.change({ ...legacy, arguments: { where, text: 'delete 1' } }));
    const request = await world.store.find(id, world.now());
    assert.match(JSON.stringify(request?.arguments), /EMAIL/);
    assert.equal(request?.window, undefined);
  });

  test('runs three with other arguments, each on record with the yes and its number, and asks for the fourth', async () => {
    const { id, call, subject } = await approved();
    const { window } = (await world.store.find(id, world.now())) ?? {};
    assert.deepEqual(window?.same, { '/where/database': 'shop', '/where/table': 'orders' });
    for (const text of ['delete 1', 'delete 2', 'delete 3']) {
      const { json } = await call({ arguments: inOrders(text) });
      assert.equal(json.result.isError ?? false, false, text);
    }
    const done = recordsOf(subject).filter(({ outcome }) => outcome === 'ok');
    const intents = recordsOf(subject, 'mcp_call_intent');
    for (const events of [done, intents]) {
      assert.deepEqual(
        events.map(({ approval_id, detail }) => [approval_id, detail?.approval_use, detail?.approval_calls_max]),
        [1, 2, 3].map((use) => [id, use, callsMax]),
      );
    }
    assert.equal(new Set(done.map(({ arguments_sha256 }) => arguments_sha256)).size, 3);
    const receipts = world.upstream.seen.map(({ message }) => {
      const meta = message.params._meta as Record<string, unknown>;
      return decodeJwt(String(meta[approvalMetaKey]));
    });
    assert.deepEqual(
      receipts.map(({ kind, use, calls_max, approval_id, arguments_sha256, same_sha256 }) => [
        ...[kind, use, calls_max, approval_id, same_sha256],
        done.some((event) => event.arguments_sha256 === arguments_sha256),
      ]),
      [1, 2, 3].map((use) => ['window', use, callsMax, id, window?.sha256, true]),
    );
    world.upstream.seen.length = 0;
    await expectAsked(id, () => call({ arguments: inOrders('delete 4') }));
  });

  const others: Readonly<Record<string, ChangeOptions>> = {
    'another value of an argument that stays the same': {
      arguments: { where: { database: 'shop', table: 'customers' }, text: 'delete 1' },
    },
    'one byte more in it': { arguments: { where: { database: 'shop', table: 'orders ' }, text: 'delete 1' } },
    'an argument that stays the same as another type': {
      arguments: { where: { database: 'shop', table: ['orders'] }, text: 'delete 1' },
    },
    'an argument that stays the same left out': { arguments: { where: { table: 'orders' }, text: 'delete 1' } },
    'the values exchanged': { arguments: { where: { database: 'orders', table: 'shop' }, text: 'delete 1' } },
    'its name written as a pointer': {
      arguments: { where: { database: 'shop' }, '/where/table': 'orders', 'where/table': 'orders', text: 'delete 1' },
    },
    'another tool': { tool: 'echo.drop' },
    'another tenant': { claims: { tenant: 'globex' } },
    'another user of the same agent': { claims: { sub: 'eve' } },
    'another agent of the same user': { claims: { client_id: 'client-2' } },
  };
  test('holds for its own calls after all that it is none for', async () => {
    const { id, call } = await approved();
    for (const [what, changes] of Object.entries(others)) {
      await test(`is none for ${what}`, () => expectAsked(id, () => call(changes)));
    }
    const { json } = await call({ arguments: inOrders('delete 2') });
    assert.equal(json.result.isError ?? false, false);
  });

  test('is none for the tool after its definition changed, nor under another policy', async () => {
    const { id, call } = await approved();
    const { catalogue, deps } = world;
    const tools = [sampleTool({ name: 'echo.change', destructive: true, description: 'Other words.' })];
    world.catalogue = { version: 2, servers: [sampleServer('alpha', [sampleVersion(world.upstream.url, tools)])] };
    await expectAsked(id, call);
    world.catalogue = catalogue;
    const restore = world.override({ policy: underAnotherRevision(deps.policy) });
    await expectAsked(id, call);
    restore();
  });

  test('lets three of eight calls at once run, and no other', async () => {
    const { call, subject } = await approved();
    const answers = await Promise.all(
      Array.from({ length: callsMax + 5 }, (_, i) => call({ arguments: inOrders(`delete ${i}`) })),
    );
    assert.equal(answers.filter(({ json }) => json.result.isError !== true).length, callsMax);
    assert.equal(ran(), callsMax);
    const calls = recordsOf(subject);
    assert.deepEqual(
      calls.filter(({ outcome }) => outcome === 'ok').map(({ detail }) => detail?.approval_use),
      calls.filter(({ outcome }) => outcome === 'ok').map((_, i) => i + 1),
    );
    assert.equal(calls.filter(({ code }) => code === 'approval_required').length, 1 + 5);
  });

  test('is over for all that are left when it is taken back, also for the call that is being decided', async () => {
    const { id, call } = await approved();
    await call();
    assert.equal(ran(), 1);
    const { grants } = world;
    const consumeOne: typeof grants.consumeOne = async (grant, nowMs) => {
      assert.equal(await world.store.revoke(id, nowMs), true);
      return grants.consumeOne(grant, nowMs);
    };
    const restore = world.override({ grants: { ...grants, consumeOne } });
    const { json } = await call({ arguments: inOrders('delete 2') });
    restore();
    assert.match(json.result.content[0].text, /was used, taken back or has expired/);
    assert.deepEqual([world.lastEvent().code, world.lastEvent().approval_id], ['approval_required', id]);
    world.upstream.seen.length = 0;
    await expectAsked(id, () => call({ arguments: inOrders('delete 3') }));
  });

  test('is for no more calls than policy wants, whatever its record claims', async () => {
    const { id, call } = await approved('call');
    const own = await world.store.find(id, world.now());
    assert.ok(own?.window !== undefined);
    await world.grants.put({
      ...callOf(own),
      id: 'a forged window',
      approver: 'grace',
      grantedAtMs: world.now() - 1,
      expiresAtMs: world.now() + 86_400_000,
      calls: { max: 99, used: 0, sameSha256: own.window.sha256 },
    });
    for (let i = 0; i < callsMax + 2; i += 1) await call({ arguments: inOrders(`delete ${i + 2}`) });
    assert.equal(ran(), callsMax);
  });

  test('is none when the asker gave it, and when a yes was to one call only', async () => {
    const own = await approved('window', `user-${users + 1}`);
    const { json } = await own.call({ arguments: inOrders('delete 2') });
    assert.match(json.result.content[0].text, /Nobody approves their own call/);
    assert.equal(ran(), 0);
    const single = await approved('call');
    await expectAsked(single.id, () => single.call({ arguments: inOrders('delete 2') }));
    await single.call();
    assert.equal(ran(), 1);
  });

  test('is offered however long the rest is, and of no call where what stays the same is lacking or too long for a card', async () => {
    const offers = [];
    for (const args of [
      { where: { database: 'shop', table: 'x'.repeat(17_000) }, text: 'delete 1' },
      // Of three bytes each.
      { where: { database: 'shop', table: '漢'.repeat(6000) }, text: 'delete 1' },
      { text: 'delete 1' },
      { where: { database: 'shop', table: 'orders' } },
      inOrders('x'.repeat(100_000)),
    ]) {
      const id = approvalOf(await world.change({ ...legacy, arguments: args, claims: { sub: 'frank' } }));
      offers.push((await world.store.find(id, world.now()))?.window?.callsMax);
    }
    assert.deepEqual(offers, [undefined, undefined, undefined, callsMax, callsMax]);
  });

  test('is over after fifteen minutes', async () => {
    const { id, call } = await approved();
    await call();
    assert.equal(ran(), 1);
    world.upstream.seen.length = 0;
    world.advance(900_000);
    await expectAsked(id, () => call({ arguments: inOrders('delete 2') }));
  });
});

function underAnotherRevision(policy: PolicyClient): PolicyClient {
  return { ...policy, decide: (input) => ({ ...policy.decide(input), revision: '000000000000' }) };
}
