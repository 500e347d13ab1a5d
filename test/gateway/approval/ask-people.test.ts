import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { suite, test } from 'node:test';
import { inputKey, roundsMax } from '../../../runtime/gateway/approval/ask-people.ts';
import {
  type ApprovalWorld,
  approvalOf,
  changeArguments,
  openApprovalWorld,
  stateOf,
} from '../../support/approval-world.ts';
import { publicUrl } from '../../support/gateway-world.ts';

const url = { elicitation: { url: {} } };
const accepted = { [inputKey]: { action: 'accept' } };
const minute = 60_000;

suite('a client that can show a page', () => {
  test('is shown it once, then waits, then runs once', async (t) => {
    const world = await openApprovalWorld(t, { holdMs: minute });
    const first = await world.change({ capabilities: url });
    const id = approvalOf(first);
    const { resultType, inputRequests } = first.json.result;
    assert.equal(resultType, 'input_required');
    const { method, params } = inputRequests[inputKey];
    assert.deepEqual([method, params.mode, params.url], ['elicitation/create', 'url', `${publicUrl}/approvals/${id}`]);
    assert.match(params.message, /^A person must approve this first; .* Runs echo\.change on the server alpha/);

    const waiting = world.change({ capabilities: url, requestState: stateOf(first), inputResponses: accepted });
    await hasLooked(world, 2);
    await world.approve(id);
    const second = await waiting;
    assert.equal(second.json.result.resultType, 'input_required');
    assert.equal(second.json.result.inputRequests, undefined, 'nobody is asked twice');
    assert.equal(world.upstream.seen.length, 0, 'waiting runs nothing');

    const third = await world.change({ capabilities: url, requestState: stateOf(second) });
    assert.equal(third.json.result.resultType, 'complete', third.text);
    const { params: sent } = world.upstream.lastSeen().message;
    assert.deepEqual([sent.name, sent.arguments], ['echo.change', changeArguments]);
    assert.equal(sent.requestState ?? sent.inputResponses, undefined, 'what is ours stays here');

    const again = await world.change({ capabilities: url, requestState: stateOf(second) });
    assert.match(again.json.result.content[0].text, /was used/);
    assert.equal(world.upstream.seen.length, 1);
    assert.deepEqual(world.gists(5), [
      'mcp_call echo.change refused approval_required asked',
      'mcp_call echo.change refused approval_required asked',
      'mcp_call_intent echo.change pending - asked',
      'mcp_call echo.change ok - asked',
      'mcp_call echo.change refused approval_required asked',
    ]);
  });

  for (const action of ['cancel', 'decline']) {
    test(`that answers the page with ${action} is told in words, and the question stays open`, async (t) => {
      const world = await openApprovalWorld(t, { holdMs: minute });
      const first = await world.change({ capabilities: url });
      const inputResponses = { [inputKey]: { action } };
      const { json } = await world.change({ capabilities: url, requestState: stateOf(first), inputResponses });
      assert.equal(json.result.isError, true);
      assert.match(json.result.content[0].text, /APPROVAL_REQUIRED id=/);
      assert.equal((await world.store.find(approvalOf(first), world.now()))?.state, 'open');
    });
  }

  test('gets no yes by saying yes itself', async (t) => {
    const world = await openApprovalWorld(t);
    let answer = await world.change({ capabilities: url });
    for (let round = 0; round < 4; round += 1) {
      answer = await world.change({ capabilities: url, requestState: stateOf(answer), inputResponses: accepted });
    }
    assert.equal(answer.json.result.resultType, 'input_required');
    assert.equal(world.upstream.seen.length, 0);
  });
});

suite('a client that cannot show a page', () => {
  test('is held in its first round, and told that people decided as soon as they did', async (t) => {
    const world = await openApprovalWorld(t, { holdMs: minute });
    const waiting = world.change();
    await hasLooked(world, 1);
    const [request] = await world.store.listOpen('acme', world.now());
    await world.approve(request?.id ?? '');
    const told = await waiting;
    assert.equal(told.json.result.inputRequests, undefined);
    const ran = await world.change({ requestState: stateOf(told) });
    assert.equal(ran.json.result.isError ?? false, false, ran.text);
    assert.equal(world.upstream.seen.length, 1);
  });

  test('comes back seven times, and is told in words in its eighth round', async (t) => {
    const world = await openApprovalWorld(t);
    let answer = await world.change();
    for (let round = 2; round < roundsMax; round += 1) answer = await world.change({ requestState: stateOf(answer) });
    assert.equal(answer.json.result.resultType, 'input_required');
    const last = await world.change({ requestState: stateOf(answer) });
    assert.equal(last.json.result.resultType, 'complete');
    assert.equal(last.json.result.isError, true);
    assert.match(last.json.result.content[0].text, /send it again with the same arguments/);
    assert.equal((await world.store.listOpen('acme', world.now())).length, 1, 'it was one question all along');
  });

  test('hears of a no as soon as it is said, with its reason, and again for a while', async (t) => {
    const world = await openApprovalWorld(t, { holdMs: minute });
    const waiting = world.change();
    await hasLooked(world, 1);
    const [request] = await world.store.listOpen('acme', world.now());
    await world.deny(request?.id ?? '', 'Not on a Friday.');
    const { json } = await waiting;
    assert.equal(json.result.isError, true);
    assert.match(json.result.content[0].text, /refused this call: Not on a Friday\./);
    assert.match((await world.change()).json.result.content[0].text, /Not on a Friday/);
    assert.deepEqual(world.gists(2), Array(2).fill('mcp_call echo.change refused approval_denied asked'));
    assert.equal(world.upstream.seen.length, 0);
  });

  test('with a progress token is told that it waits', async (t) => {
    const world = await openApprovalWorld(t, { holdMs: 30 });
    const { text, headers } = await world.change({ progressToken: 'p-1' });
    assert.match(String(headers['content-type']), /^text\/event-stream/);
    const [progress, answer] = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string));
    assert.equal(progress.method, 'notifications/progress');
    assert.equal(progress.params.progressToken, 'p-1');
    assert.match(progress.params.message, /Waiting for a person/);
    assert.equal(answer.result.resultType, 'input_required');
  });
});

suite('an older client', () => {
  test('is told in words and in structure what to do, and its identical call runs after the yes', async (t) => {
    const world = await openApprovalWorld(t, { holdMs: minute });
    const first = await world.change({ era: 'legacy' });
    const id = approvalOf(first);
    const { result } = first.json;
    assert.equal(result.isError, true);
    assert.equal(result.resultType, undefined);
    for (const word of [id, `${publicUrl}/approvals/${id}`, 'send it again with the same arguments', '15 minutes']) {
      assert.ok(result.content[0].text.includes(word), word);
    }
    assert.equal(result.structuredContent.message, result.content[0].text);
    assert.equal(result.structuredContent.approval.id, id);
    assert.equal(approvalOf(await world.change({ era: 'legacy' })), id, 'the same question');
    await world.approve(id);
    const ran = await world.change({ era: 'legacy' });
    assert.equal(ran.json.result.isError ?? false, false, ran.text);
    assert.notEqual(approvalOf(await world.change({ era: 'legacy' })), id, 'a yes is for one call');
  });

  test('is spared structured content where the tool has an output schema, which clients hold errors against', async (t) => {
    const world = await openApprovalWorld(t);
    const [server] = world.catalogue.servers;
    const [version] = server?.versions ?? [];
    const tools = version?.tools.map((tool) => ({ ...tool, outputSchema: { type: 'object' } })) ?? [];
    world.catalogue = { version: 2, servers: [{ ...server, versions: [{ ...version, tools }] }] } as never;
    const { json } = await world.change({ era: 'legacy' });
    assert.equal(json.result.isError, true);
    assert.equal(json.result.structuredContent, undefined);
  });
});

test('the identical call runs after the yes, whichever client began and whichever comes back', async (t) => {
  const kinds = [{ capabilities: url }, {}, { era: 'legacy' as const }];
  for (const began of kinds) {
    for (const back of kinds) {
      const world = await openApprovalWorld(t);
      await world.approve(approvalOf(await world.change(began)));
      const ran = await world.change(back);
      assert.equal(ran.json.result.isError ?? false, false, ran.text);
      assert.equal(world.upstream.seen.length, 1);
    }
  }
});

test('people are asked with redacted arguments, what will happen, who asks through what, and why', async (t) => {
  const world = await openApprovalWorld(t);
  const args = { text: 'for ada@example.org', ssn: '900-12-3456' };
  const id = approvalOf(await world.change({ arguments: args }));
  const request = await world.store.find(id, world.now());
  assert.doesNotMatch(JSON.stringify(request), /ada@example|900-12/);
  assert.match(JSON.stringify(request?.arguments), /EMAIL/);
  assert.match(request?.words ?? '', /^Runs echo\.change on the server alpha: Does echo\.change\.$/);
  assert.deepEqual([request?.subject, request?.clientName, request?.reasons], ['ada', 'test', ['destructive_tool']]);
  await world.change({ arguments: args });
  const asked = world.audit.events.filter(({ event }) => event === 'approval_requested');
  assert.equal(asked.length, 1, 'a question is on record once, by the call that opened it');
  assert.deepEqual(
    [asked[0]?.approval_id, asked[0]?.call_id, asked[0]?.caller?.subject, asked[0]?.arguments],
    [id, world.audit.events[1]?.call_id, 'ada', request?.arguments],
  );
});

test('a question that cannot be recorded is not there to be answered, and the identical call records and asks it', async (t) => {
  const world = await openApprovalWorld(t);
  world.audit.onAppend = ({ event }) => {
    if (event === 'approval_requested') throw new Error('ENOSPC');
  };
  assert.equal((await world.change()).json.error.data.code, 'audit_unavailable');
  assert.deepEqual(await world.store.listOpen('acme', world.now()), []);
  const { call_id } = world.audit.events.at(-1) ?? {};
  world.audit.onAppend = () => {};
  const id = approvalOf(await world.change());
  await world.change();
  const asked = world.audit.events.filter(({ event }) => event === 'approval_requested');
  assert.deepEqual(
    asked.map((event) => [event.approval_id, event.call_id, event.reason]),
    [[id, call_id, 'Whoever asked first may have recorded this already.']],
    'of the call that asked first, as what may be a repetition',
  );
});

test('identical calls at once are on record as one question', async (t) => {
  const world = await openApprovalWorld(t);
  const ids = await Promise.all(Array.from({ length: 5 }, async () => approvalOf(await world.change())));
  assert.equal(new Set(ids).size, 1);
  assert.equal(world.audit.events.filter(({ event }) => event === 'approval_requested').length, 1);
});

test('the time that people take is a step of its own on record, and no slowness in the metrics', async (t) => {
  const world = await openApprovalWorld(t, { holdMs: 200 });
  await world.change();
  const { latency_ms: latency } = world.lastEvent();
  const { wait = 0, elevate = 0, total = 0 } = latency;
  assert.ok(wait > 150, 'it was held');
  const { wait: _wait, total: _total, ...steps } = latency;
  const others = Object.values(steps).reduce((all, each) => all + each, 0);
  assert.ok(others + wait <= total + 0.1 && elevate <= total - wait, JSON.stringify(latency));
  const { text } = await world.deps.metrics.render();
  const sum = Number(/^toolgate_message_seconds_sum\{method="tools\/call"\} (.+)$/m.exec(text)?.[1]);
  assert.ok(Math.abs(sum * 1000 - (total - wait)) < 0.01, `${sum} s`);
});

test('a question that nobody answered in time is over, and the next call asks anew', async (t) => {
  const world = await openApprovalWorld(t, { waitMs: 10_000 });
  const first = await world.change();
  world.advance(10_000);
  const late = await world.change({ requestState: stateOf(first) });
  assert.match(late.json.result.content[0].text, /Nobody decided in time/);
  assert.notEqual(approvalOf(await world.change()), approvalOf(first));
});

test('who has asked people too often in an hour is told when to come back, on record, while what was asked can still be sent', async (t) => {
  const world = await openApprovalWorld(t, { questionsPerHourMax: 1 });
  // Everything below happens within one hour, whatever time it is.
  world.advance(60 * minute - (world.now() % (60 * minute)));
  const first = approvalOf(await world.change());
  const over = await world.change({ arguments: { text: 'another' } });
  assert.equal(over.status, 429);
  const { code } = over.json.error.data;
  assert.equal(code, 'quota_exceeded');
  assert.match(over.json.error.message, /^The limit of 1 new questions to people an hour for one caller/);
  const seconds = Number(over.headers['retry-after']);
  assert.ok(seconds > 3000 && seconds <= 3600, String(seconds));
  assert.deepEqual(world.gists(1), ['mcp_call echo.change refused quota_exceeded unasked']);
  assert.equal(approvalOf(await world.change()), first);
  assert.equal((await world.store.listOpen('acme', world.now())).length, 1);
  world.advance(60 * minute);
  assert.notEqual(approvalOf(await world.change({ arguments: { text: 'another' } })), first);
});

test('the tool server and the record get a receipt of the yes that the gateway signed', async (t) => {
  const world = await openApprovalWorld(t);
  const id = approvalOf(await world.change());
  await world.approve(id);
  await world.change();
  const jws = String(
    (world.upstream.lastSeen().message.params._meta as Record<string, unknown>)['dev.toolgate/approval'],
  );
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  const jwk = (await world.signingKeys.jwks()).keys.find(({ kid }) => kid === read(header).kid);
  assert.equal(read(header).typ, 'approval-receipt+jwt');
  const key = { key: createPublicKey({ key: jwk as never, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
  assert.ok(verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')));
  const [intent, final] = world.audit.events.slice(-2);
  const claims = read(payload);
  assert.equal(claims.approval_id, id);
  assert.equal(claims.approver, 'grace');
  assert.equal(claims.tool, 'echo.change');
  assert.equal(claims.jti, final?.call_id);
  assert.equal(claims.arguments_sha256, final?.arguments_sha256);
  assert.ok(claims.exp - claims.decided_at <= 900);
  for (const event of [intent, final]) assert.deepEqual(event?.detail, { approval_receipt: jws });
});

test('a tool server that asks for more input about an approved call is not passed on', async (t) => {
  const world = await openApprovalWorld(t);
  world.upstream.reply = ({ message }, response) => {
    const result = { resultType: 'input_required', requestState: 'its own' };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
  };
  await world.approve(approvalOf(await world.change()));
  const { json } = await world.change();
  assert.equal(json.error.data.code, 'upstream_invalid');
  assert.match(json.error.message, /must take everything as arguments/);
});

test('a state of a tool server that needs no yes is its own, and one of ours does not reach it', async (t) => {
  const world = await openApprovalWorld(t);
  const its = { tool: 'echo.say', requestState: 'toolgate1.its-own', inputResponses: accepted };
  await world.change(its);
  assert.equal(world.upstream.lastSeen().message.params.requestState, its.requestState);
  const ours = stateOf(await world.change());
  const [server] = world.catalogue.servers;
  const [version] = server?.versions ?? [];
  const tools = version?.tools.map((tool) => ({ ...tool, destructive: false })) ?? [];
  world.catalogue = { version: 2, servers: [{ ...server, versions: [{ ...version, tools }] }] } as never;
  await world.change({ requestState: ours, inputResponses: accepted });
  const { params } = world.upstream.lastSeen().message;
  assert.equal(params.name, 'echo.change');
  assert.equal(params.requestState ?? params.inputResponses, undefined);
});

test('a replica that shuts down sends whoever waits back at once', async (t) => {
  const world = await openApprovalWorld(t, { holdMs: minute, pollMs: minute });
  const waiting = world.change();
  const deadline = Date.now() + 5000;
  while ((await world.store.listOpen('acme', world.now())).length === 0) assert.ok(Date.now() < deadline);
  const closing = world.gateway.close();
  assert.equal((await waiting).json.result.resultType, 'input_required');
  await closing;
});

test('a client that leaves while it waits is on record as gone', async (t) => {
  const world = await openApprovalWorld(t, { holdMs: minute });
  const left = new AbortController();
  const waiting = world.change({ signal: left.signal });
  await hasLooked(world, 1);
  const recorded = world.audit.next();
  left.abort();
  await assert.rejects(waiting);
  assert.equal((await recorded).outcome, 'cancelled');
});

async function hasLooked(world: ApprovalWorld, times: number): Promise<void> {
  const deadline = Date.now() + 5000;
  while (world.looks() < times) {
    assert.ok(Date.now() < deadline, 'the request was looked at');
    await new Promise(setImmediate);
  }
}
