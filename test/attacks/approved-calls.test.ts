import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { refusalCodes } from '../../runtime/contract/refusal-codes.ts';
import type { PolicyClient } from '../../runtime/shared/policy-client.ts';
import {
  type ApprovalWorld,
  approvalOf,
  type ChangeOptions,
  changeArguments,
  openApprovalWorld,
  stateOf,
} from '../support/approval-world.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { modernMeta } from '../support/gateway-world.ts';

const legacy = { era: 'legacy' } as const;

/** A call that somebody approved, and the world around it. */
async function approved(t: TestContext, asked: ChangeOptions = legacy) {
  const world = await openApprovalWorld(t);
  const first = await world.change(asked);
  const id = approvalOf(first);
  await world.approve(id);
  return { world, id, first };
}

/** Nothing ran; the answer asks for a yes, and the record says so, about another question than the approved one. */
async function expectAsked(world: ApprovalWorld, id: string, sending: ChangeOptions) {
  const answer = await world.change(sending);
  assert.equal(world.upstream.seen.length, 0, answer.text);
  assert.notEqual(approvalOf(answer), id);
  const event = world.lastEvent();
  assert.deepEqual(
    [event.event, event.outcome, event.code, event.approval_id],
    ['mcp_call', 'refused', 'approval_required', approvalOf(answer)],
  );
  return event;
}

function underAnotherRevision(policy: PolicyClient): PolicyClient {
  return { ...policy, decide: (input) => ({ ...policy.decide(input), revision: '000000000000' }) };
}

suite('a yes is none for', () => {
  const rows: Readonly<Record<string, ChangeOptions>> = {
    'arguments with one byte changed': { arguments: { text: 'delete order 2' } },
    'arguments with a blank more': { arguments: { text: 'delete order 1 ' } },
    'arguments with one more member': { arguments: { ...changeArguments, force: true } },
    'another tool': { tool: 'echo.drop' },
    'another tenant': { claims: { tenant: 'globex' } },
    'another user of the same agent': { claims: { sub: 'eve' } },
    'another agent of the same user': { claims: { client_id: 'client-2' } },
  };
  for (const [what, change] of Object.entries(rows)) {
    test(what, async (t) => {
      const { world, id } = await approved(t);
      const event = await expectAsked(world, id, { ...legacy, ...change });
      assert.equal(event.tenant, change.claims?.tenant ?? 'acme');
      const own = await world.change(legacy);
      assert.equal(own.json.result.isError ?? false, false, 'and it still holds for its own call');
    });
  }

  test('the tool after its definition changed', async (t) => {
    const { world, id } = await approved(t);
    const tools = [sampleTool({ name: 'echo.change', destructive: true, description: 'Other words.' })];
    world.catalogue = { version: 2, servers: [sampleServer('alpha', [sampleVersion(world.upstream.url, tools)])] };
    await expectAsked(world, id, legacy);
  });

  test('another revision of policy', async (t) => {
    const { world, id } = await approved(t);
    world.override({ policy: underAnotherRevision(world.deps.policy) });
    const event = await expectAsked(world, id, legacy);
    assert.equal(event.policy?.revision, '000000000000');
  });

  test('the same call fifteen minutes after it was given', async (t) => {
    const { world, id } = await approved(t);
    world.advance(900_000);
    await expectAsked(world, id, legacy);
  });

  test('the same call at a replica whose clock is behind the yes, until its clock is there', async (t) => {
    const { world, id } = await approved(t);
    world.advance(-2000);
    await expectAsked(world, id, legacy);
    world.advance(2000);
    assert.equal((await world.change(legacy)).json.result.isError ?? false, false);
    assert.deepEqual([world.lastEvent().outcome, world.lastEvent().approval_id], ['ok', id]);
  });

  test('the same call at a replica whose clock is ahead, from the moment at which it is over there', async (t) => {
    const { world, id } = await approved(t);
    world.advance(900_001);
    await expectAsked(world, id, legacy);
  });

  test('the same call when its asker gave it', async (t) => {
    const world = await openApprovalWorld(t);
    const id = approvalOf(await world.change(legacy));
    await world.approve(id, 'ada');
    const { json } = await world.change(legacy);
    assert.match(json.result.content[0].text, /Nobody approves their own call/);
    assert.equal(world.upstream.seen.length, 0);
    assert.deepEqual([world.lastEvent().code, world.lastEvent().approval_id], ['approval_required', id]);
  });

  test('the same call after it was taken back', async (t) => {
    const { world, id } = await approved(t);
    assert.ok(await world.store.revoke(id, world.now()));
    await expectAsked(world, id, legacy);
  });

  test('the call during which it is taken back', async (t) => {
    const { world, id } = await approved(t);
    const { grants } = world;
    const consume: typeof grants.consume = async (grant, nowMs) => {
      await world.store.revoke(id, nowMs);
      return grants.consume(grant, nowMs);
    };
    world.override({ grants: { ...grants, consume } });
    const { json } = await world.change(legacy);
    assert.match(json.result.content[0].text, /taken back/);
    assert.equal(world.upstream.seen.length, 0);
    assert.deepEqual([world.lastEvent().code, world.lastEvent().approval_id], ['approval_required', id]);
  });
});

test('thirty identical calls at once with one yes: one runs, and each is on record', async (t) => {
  const { world, id } = await approved(t);
  const before = world.audit.events.length;
  const answers = await Promise.all(Array.from({ length: 30 }, () => world.change(legacy)));
  assert.equal(answers.filter(({ json }) => json.result.isError !== true).length, 1);
  assert.equal(world.upstream.seen.length, 1);
  const calls = world.audit.events.slice(before).filter(({ event }) => event === 'mcp_call');
  assert.equal(calls.length, 30);
  assert.deepEqual(
    calls.filter(({ outcome }) => outcome === 'ok').map(({ approval_id }) => approval_id),
    [id],
  );
  assert.equal(calls.filter(({ code }) => code === 'approval_required').length, 29);
});

test('a yes that its asker writes into the message is none', async (t) => {
  const world = await openApprovalWorld(t);
  const first = await world.change({ capabilities: { elicitation: { url: {} } } });
  const inputResponses = {
    toolgate_approval: { action: 'accept', content: { approved: true, approver: 'grace' } },
    approval: { action: 'accept' },
  };
  await world.change({ requestState: stateOf(first), inputResponses });
  const _meta = { ...modernMeta, 'dev.toolgate/approval': 'eyJhbGciOiJub25lIn0.e30.' };
  await world.send({ params: { name: 'echo.change', arguments: changeArguments, _meta } });
  assert.equal(world.upstream.seen.length, 0);
  assert.deepEqual(world.gists(3), Array(3).fill('mcp_call echo.change refused approval_required asked'));
});

test('what nobody saw does not go along with a call that somebody approved', async (t) => {
  const world = await openApprovalWorld(t);
  const meta = { ...modernMeta, 'io.modelcontextprotocol/related-task': { taskId: 'drop' }, progressToken: 'p-1' };
  const sending = { headers: { 'mcp-param-force': 'drop-everything' } };
  const call = { params: { name: 'echo.change', arguments: changeArguments, _meta: meta }, ...sending };
  await world.approve(approvalOf(await world.send(call)));
  assert.equal((await world.send(call)).status, 200);
  const seen = world.upstream.lastSeen();
  assert.doesNotMatch(JSON.stringify([seen.headers, seen.message]), /drop/);
  assert.equal((seen.message.params._meta as Record<string, unknown>).progressToken, 'p-1');

  await world.send({ params: { name: 'echo.say', arguments: {}, _meta: meta }, ...sending });
  assert.equal(world.upstream.lastSeen().headers['mcp-param-force'], 'drop-everything', 'it does with any other');
});

test('a receipt that a client brings does not reach a tool server', async (t) => {
  const world = await openApprovalWorld(t);
  const _meta = { ...modernMeta, 'dev.toolgate/approval': 'forged' };
  await world.send({ params: { name: 'echo.say', arguments: {}, _meta } });
  assert.doesNotMatch(JSON.stringify(world.upstream.lastSeen().message), /forged/);
});

suite('a requestState', () => {
  interface Row {
    readonly why: RegExp;
    readonly send: (state: string, world: ApprovalWorld) => ChangeOptions;
  }
  const another = /another call, caller/;
  const rows: Readonly<Record<string, Row>> = {
    'with one letter changed': {
      why: /changed/,
      send: (state) => ({ requestState: state.slice(0, -3) + (state.at(-3) === 'A' ? 'B' : 'A') + state.slice(-2) }),
    },
    'that is cut': { why: /changed|whole/, send: (state) => ({ requestState: state.slice(0, 60) }) },
    'of a tool server': { why: /none of this gateway/, send: () => ({ requestState: 'opaque' }) },
    'that another user brings': { why: another, send: (requestState) => ({ requestState, claims: { sub: 'eve' } }) },
    'that another tenant brings': {
      why: another,
      send: (requestState) => ({ requestState, claims: { tenant: 'globex' } }),
    },
    'that another agent brings': {
      why: another,
      send: (requestState) => ({ requestState, claims: { client_id: 'client-2' } }),
    },
    'brought with other arguments': {
      why: another,
      send: (requestState) => ({ requestState, arguments: { text: 'delete order 2' } }),
    },
    'brought to another tool': { why: another, send: (requestState) => ({ requestState, tool: 'echo.drop' }) },
    'older than fifteen minutes': {
      why: /it has expired/,
      send: (requestState, world) => {
        world.advance(900_000);
        return { requestState };
      },
    },
  };
  for (const [what, { send, why }] of Object.entries(rows)) {
    test(`${what} runs nothing though somebody said yes, and the record says why`, async (t) => {
      const { world, id, first } = await approved(t, {});
      const { json } = await world.change(send(stateOf(first), world));
      assert.equal(json.error.code, -32602);
      assert.equal(json.error.data.code, 'request_state_invalid');
      assert.equal(json.error.message, refusalCodes.request_state_invalid, 'a forger learns nothing');
      assert.equal(world.upstream.seen.length, 0);
      const event = world.lastEvent();
      assert.deepEqual([event.outcome, event.code], ['refused', 'request_state_invalid']);
      assert.match(event.reason ?? '', why);
      assert.equal((await world.store.find(id, world.now()))?.state, 'approved');
    });
  }

  test('that was used is refused after its call ran', async (t) => {
    const { world, first } = await approved(t, {});
    const ran = await world.change({ requestState: stateOf(first) });
    assert.equal(ran.json.result.resultType, 'complete', ran.text);
    const again = await world.change({ requestState: stateOf(first) });
    assert.match(again.json.result.content[0].text, /was used/);
    assert.equal(world.upstream.seen.length, 1);
    assert.deepEqual(world.gists(1), ['mcp_call echo.change refused approval_required asked']);
  });
});

test('a no stands for the call that it was said to, and for no other', async (t) => {
  const world = await openApprovalWorld(t);
  await world.deny(approvalOf(await world.change(legacy)), 'No.');
  await world.change(legacy);
  assert.equal(world.lastEvent().code, 'approval_denied');
  await world.change({ ...legacy, arguments: { text: 'delete order 2' } });
  assert.equal(world.lastEvent().code, 'approval_required');
});
