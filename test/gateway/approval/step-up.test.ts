import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import { type ApprovalWorld, approvalOf, openApprovalWorld } from '../../support/approval-world.ts';
import { publicUrl } from '../../support/gateway-world.ts';

const ours = 'https://issuer.test';
const asker = { tenant: 'acme', subject: 'ada', clientId: 'client-1' };
const approved = 'approved:by:human';

/** Asked in words, or with a state: not by a challenge. */
function assertInBand(answer: Awaited<ReturnType<ApprovalWorld['change']>>): void {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['www-authenticate'], undefined);
  approvalOf(answer);
}

test('where a server steps up', async (t) => {
  const world = await openApprovalWorld(t, { stepUpIssuer: ours });
  const called = (text: string) => ({ arguments: { text } });

  for (const era of ['modern', 'legacy'] as const) {
    await t.test(
      `a ${era} call is challenged for the scope of a yes, and runs after it with its own token`,
      async () => {
        const call = { era, ...called(era), claims: { scope: 'echo:read other:read' } };
        const asked = await world.change(call);
        const id = approvalOf(asked);
        assert.equal(asked.status, 403, asked.text);
        assert.equal(
          asked.headers['www-authenticate'],
          `Bearer error="insufficient_scope", error_description="${asked.json.error.message}", ` +
            `scope="echo:read other:read ${approved}", resource_metadata="${publicUrl}/.well-known/oauth-protected-resource/mcp"`,
        );
        const { code, message, data } = asked.json.error;
        assert.deepEqual([code, data.code], [4034, 'approval_required']);
        assert.deepEqual(data.scopes, ['echo:read', 'other:read', approved]);
        assert.deepEqual([data.approval.state, data.approval.url], ['open', `${publicUrl}/approvals/${id}`]);
        assert.match(
          message,
          /A person must approve this call first\. APPROVAL_REQUIRED id=.* within 15 minutes of the yes/,
        );
        const { outcome, code: recorded, http_status, approval_id } = world.lastEvent();
        assert.deepEqual([outcome, recorded, http_status, approval_id], ['refused', 'approval_required', 403, id]);

        assert.equal(approvalOf(await world.change(call)), id, 'nobody is asked twice');
        const before = world.upstream.seen.length;
        await world.approve(id);
        assert.equal((await world.change(call)).json.result.isError ?? false, false);
        assert.equal(world.upstream.seen.length, before + 1);
      },
    );
  }

  await t.test('a question is known under its asker as it stands, until the yes is used', async () => {
    const frank = { claims: { sub: 'frank' }, ...called('known') };
    const find = async (other = {}) =>
      (await world.stepUps.find({ ...asker, subject: 'frank', ...other }, world.now())).map((each) => ({
        ...{ id: each.id, server: each.server, state: each.state },
        leftMinutes: each.openUntilMs && Math.round((each.openUntilMs - world.now()) / 60_000),
      }));
    assert.deepEqual(await find(), []);
    const id = approvalOf(await world.change(frank));
    await world.change(frank);
    assert.deepEqual(await find(), [{ id, server: 'alpha', state: 'open', leftMinutes: 1440 }]);
    await world.approve(id);
    assert.deepEqual(await find(), [{ id, server: 'alpha', state: 'approved', leftMinutes: 15 }]);
    await world.change(frank);
    assert.deepEqual(await find(), [{ id, server: 'alpha', state: 'approved', leftMinutes: undefined }]);
    for (const other of [{ tenant: 'globex' }, { subject: 'eve' }, { clientId: 'client-2' }]) {
      assert.deepEqual(await find(other), []);
    }
  });

  await t.test('a no is told in words, not by a challenge', async () => {
    await world.deny(approvalOf(await world.change(called('denied'))), 'Not today.');
    const answer = await world.change(called('denied'));
    assert.equal(answer.status, 200);
    assert.match(answer.json.result.content[0].text, /refused this call: Not today\./);
  });

  await t.test('a token that has the scope opens nothing without a yes, and is not challenged again', async () => {
    const before = world.upstream.seen.length;
    assertInBand(await world.change({ ...called('scope'), claims: { scope: `echo:read ${approved}` } }));
    assert.equal(world.upstream.seen.length, before);
  });

  await t.test('the scope of a client is not passed on to a tool server', async () => {
    await world.send({ claims: { scope: `echo:read ${approved}` } });
    const token = String(world.upstream.lastSeen().headers.authorization).split('.')[1] ?? '';
    assert.equal(JSON.parse(Buffer.from(token, 'base64url').toString()).scope, 'echo:read');
  });

  for (const [who, claims] of Object.entries({
    'an agent': { kind: 'agent' },
    'a shared key of a tenant': { kind: 'tenant-key' },
    'a person of a tenant whose data do not say so': { tenant: 'globex' },
  })) {
    await t.test(`${who} is asked as everywhere`, async () => {
      assertInBand(await world.change({ ...called(who), claims }));
    });
  }

  await t.test('a person with a token of another issuer is asked as everywhere', async () => {
    const note = () => assert.fail('nobody is sent anywhere');
    const restore = world.override({ stepUp: { issuer: 'https://other.test', note } });
    assertInBand(await world.change(called('foreign')));
    restore();
  });

  await t.test('a client that waits with a state goes on waiting', async () => {
    const restore = world.override({ stepUp: undefined });
    const { requestState } = (await world.change(called('waits'))).json.result;
    restore();
    assertInBand(await world.change({ ...called('waits'), requestState }));
    assert.equal((await world.change(called('waits'))).status, 403);
  });

  await t.test('without the store nobody is sent to wait for what it does not have', async () => {
    const note = () => Promise.reject(new Refusal('approval_unavailable'));
    const restore = world.override({ stepUp: { issuer: ours, note } });
    assert.equal((await world.change(called('gone'))).status, 503);
    restore();
  });

  await t.test('a yes that is taken back or too old is none to know of', async () => {
    const usable = async () =>
      (await world.stepUps.find(asker, world.now())).filter(
        ({ state, openUntilMs }) => state === 'approved' && openUntilMs,
      );
    const taken = approvalOf(await world.change(called('taken')));
    await world.approve(taken);
    assert.equal((await usable()).length, 1);
    await world.store.revoke(taken, world.now());
    assert.deepEqual(await usable(), []);
    await world.approve(approvalOf(await world.change(called('late'))));
    assert.equal((await usable()).length, 1);
    world.advance(15 * 60_000);
    assert.deepEqual(await usable(), []);
  });
});

test('no server steps up unless the data of the tenant name it', async (t) => {
  const world = await openApprovalWorld(t);
  world.override({ stepUp: { issuer: ours, note: () => assert.fail('nobody is sent anywhere') } });
  assertInBand(await world.change());
});
