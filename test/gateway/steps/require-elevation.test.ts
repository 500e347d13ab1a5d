import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Caller } from '../../../runtime/contract/caller.ts';
import type { Allowed, Decision, Obligation, PolicyElevation } from '../../../runtime/contract/decision.ts';
import type { Grant, ValidArguments } from '../../../runtime/contract/receipts.ts';
import type { Tool } from '../../../runtime/contract/registry.ts';
import type { GatewayDeps } from '../../../runtime/gateway/deps.ts';
import { requireElevation } from '../../../runtime/gateway/steps/require-elevation.ts';
import { canonicalSha256 } from '../../../runtime/shared/canonical-json.ts';
import { createGrantStore, type RevocableGrantStore } from '../../../runtime/shared/grant-store.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import { sampleCaller } from '../../support/caller.ts';
import { sampleServer, sampleTool, sampleVersion } from '../../support/catalogue.ts';
import { sampleGrant } from '../../support/grant.ts';
import { openTestDynamo, tablePrefix } from '../../support/local-dynamo.ts';

const nowMs = 1_795_000_000_000;
const revision = 'abcdefabcdef';
const approval: Obligation = { type: 'require_approval', reason: 'destructive_tool' };
const decided = (obligations: readonly Obligation[], changes: Partial<Decision> = {}): Decision => ({
  allow: true,
  reasons: ['role_granted'],
  obligations,
  revision,
  ...changes,
});
const allowed = (obligations: readonly Obligation[]): Allowed => ({ ...decided(obligations), allow: true });

function toolOf(destructive: boolean, name = 'postgres.write'): Tool {
  const entry = sampleTool({ name, destructive });
  const version = sampleVersion('http://127.0.0.1:1/mcp', [entry]);
  return { entry, version, server: sampleServer('write', [version]) };
}

const argsOf = (value: ValidArguments['value']): ValidArguments => ({ value, sha256: canonicalSha256(value) });
const args = argsOf({ sql: 'delete from orders where id = 1' });
const writes = toolOf(true);
const caller = sampleCaller({ roles: ['operator'] });
const grant = sampleGrant({
  definitionHash: writes.entry.definitionHash,
  argumentsSha256: args.sha256,
  grantedAtMs: nowMs - 1000,
  expiresAtMs: nowMs - 1000 + 900_000,
});

const refused =
  (code: string, reason = /./) =>
  (error: unknown) =>
    error instanceof Refusal && error.code === code && reason.test(error.message);

/** A policy that accepts whatever grant it is shown, and remembers what that was. */
function accepting() {
  const seen: PolicyElevation[] = [];
  const decide = (elevations: readonly PolicyElevation[]) => {
    seen.push(...elevations);
    return decided(elevations.length > 0 ? [] : [approval]);
  };
  return { seen, decide };
}

/** Asking people is another test's business: here they are asked, and have not answered yet. */
function elevate(
  who: Caller,
  tool: Tool,
  given: ValidArguments,
  yes: Allowed,
  deps: Pick<GatewayDeps, 'grants' | 'now'>,
  decideAgain: (elevations: readonly PolicyElevation[]) => Decision,
) {
  const ask = async () => {
    throw new Refusal('approval_required', { reason: 'People were asked.' });
  };
  const people = { pending: () => undefined, ask };
  const sign = ({ id }: Grant) => `receipt of ${id}`;
  return requireElevation({ caller: who, tool, args: given, allowed: yes }, { decideAgain, people, sign }, deps);
}

const never = () => assert.fail('policy is not asked again');

async function storeWith(t: Parameters<typeof openTestDynamo>[0], ...grants: readonly (typeof grant)[]) {
  const { client } = await openTestDynamo(t);
  // Long: what is tested is not waiting.
  const store = createGrantStore({ client, tablePrefix, deadlineMs: 30_000 });
  for (const each of grants) await store.put(each);
  return { grants: store, now: () => nowMs };
}

const unread: { grants: RevocableGrantStore; now: () => number } = {
  grants: {
    put: () => assert.fail('not stored'),
    putOnce: () => assert.fail('not stored'),
    find: () => assert.fail('not looked for'),
    findWindow: () => assert.fail('not looked for'),
    consume: () => assert.fail('not used'),
    consumeOne: () => assert.fail('not used'),
    revoke: () => assert.fail('not taken back'),
  },
  now: () => nowMs,
};

suite('a call', () => {
  test('of a harmless tool that policy asks nothing for needs no yes, and no store', async () => {
    const elevation = await elevate(caller, toolOf(false), args, allowed([]), unread, never);
    assert.deepEqual(elevation, { kind: 'not-needed' });
  });

  test('of a destructive tool needs a yes even when policy forgot to ask for one', async (t) => {
    const deps = await storeWith(t);
    await assert.rejects(
      elevate(caller, writes, args, allowed([]), deps, never),
      refused('approval_required', /People were asked/),
    );
  });

  test('of a harmless tool needs a yes when policy asks for one', async (t) => {
    const deps = await storeWith(t);
    await assert.rejects(
      elevate(caller, toolOf(false), args, allowed([approval]), deps, never),
      refused('approval_required'),
    );
  });

  test('with its own grant goes through once, and policy has seen that grant', async (t) => {
    const deps = await storeWith(t, grant);
    const policy = accepting();
    const elevation = await elevate(caller, writes, args, allowed([approval]), deps, policy.decide);
    assert.deepEqual(elevation, { kind: 'granted', grant, receipt: 'receipt of grant-1' });
    assert.deepEqual(policy.seen, [
      {
        kind: 'call',
        tenant: grant.tenant,
        subject: grant.subject,
        client_id: grant.clientId,
        tool: grant.tool,
        definition_hash: grant.definitionHash,
        arguments_sha256: grant.argumentsSha256,
        approver: grant.approver,
        granted_at_ms: grant.grantedAtMs,
        expires_at_ms: grant.expiresAtMs,
      },
    ]);
    await assert.rejects(
      elevate(caller, writes, args, allowed([approval]), deps, policy.decide),
      refused('approval_required'),
    );
  });

  test('sent twice at once with one grant goes through once', async (t) => {
    const deps = await storeWith(t, grant);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => elevate(caller, writes, args, allowed([approval]), deps, accepting().decide)),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(refused('approval_required')(outcome.reason));
    }
  });
});

suite('the grant of one call is no yes to', () => {
  const evenNow = { grantedAtMs: nowMs - 900_000, expiresAtMs: nowMs };
  const rows: Readonly<
    Record<string, Partial<{ caller: typeof caller; tool: Tool; args: ValidArguments; grant: typeof grant }>>
  > = {
    'one with one byte changed': { args: argsOf({ sql: 'delete from orders where id = 2' }) },
    'one with a further argument': { args: argsOf({ sql: 'delete from orders where id = 1', limit: null }) },
    'one of another tool': { tool: toolOf(true, 'postgres.drop') },
    'the tool after its definition changed': {
      tool: { ...writes, entry: sampleTool({ name: 'postgres.write', destructive: true, description: 'Other.' }) },
    },
    'one at another server': { tool: { ...writes, server: { ...writes.server, name: 'other' } } },
    'one by another tenant': { caller: { ...caller, tenant: 'globex' } },
    'one by another caller': { caller: { ...caller, subject: 'user-2' } },
    'one by another agent of the same user': { caller: { ...caller, clientId: 'client-2' } },
    'one that comes as it ends': { grant: { ...grant, ...evenNow } },
    'one a millisecond after its end': { grant: { ...grant, ...evenNow, expiresAtMs: nowMs - 1 } },
    'one after 15:00.001 whatever it claims': {
      grant: { ...grant, grantedAtMs: nowMs - 900_001, expiresAtMs: nowMs + 86_400_000 },
    },
    'one before it is given': { grant: { ...grant, grantedAtMs: nowMs + 1, expiresAtMs: nowMs + 900_000 } },
  };
  for (const [what, row] of Object.entries(rows)) {
    test(what, async (t) => {
      const deps = await storeWith(t, row.grant ?? grant);
      await assert.rejects(
        elevate(
          row.caller ?? caller,
          row.tool ?? writes,
          row.args ?? args,
          allowed([approval]),
          deps,
          accepting().decide,
        ),
        refused('approval_required'),
      );
    });
  }
});

suite('a grant stays unused', () => {
  async function isStillOpen(deps: Awaited<ReturnType<typeof storeWith>>, own = grant) {
    assert.deepEqual(await deps.grants.find(own, nowMs), own);
  }

  test('when it was given by the caller', async (t) => {
    const own = { ...grant, approver: caller.subject };
    const deps = await storeWith(t, own);
    await assert.rejects(
      elevate(caller, writes, args, allowed([approval]), deps, never),
      refused('approval_required', /their own call/),
    );
    await isStillOpen(deps, own);
  });

  test('when policy still asks for an approval', async (t) => {
    const deps = await storeWith(t, grant);
    const decide = () => decided([approval]);
    await assert.rejects(
      elevate(caller, writes, args, allowed([approval]), deps, decide),
      refused('approval_required', /does not accept/),
    );
    await isStillOpen(deps);
  });

  test('when policy says no after all', async (t) => {
    const deps = await storeWith(t, grant);
    const decide = () => decided([], { allow: false, reasons: ['role_not_granted'] });
    await assert.rejects(elevate(caller, writes, args, allowed([approval]), deps, decide), (error) => {
      assert.ok(refused('policy_denied')(error));
      assert.deepEqual((error as Refusal).details.policyReasons, ['role_not_granted']);
      return true;
    });
    await isStillOpen(deps);
  });

  test('when policy gives no answer', async (t) => {
    const deps = await storeWith(t, grant);
    const decide = () => {
      throw new Refusal('policy_unavailable');
    };
    await assert.rejects(
      elevate(caller, writes, args, allowed([approval]), deps, decide),
      refused('policy_unavailable'),
    );
    await isStillOpen(deps);
  });

  test('when policy changed between the two looks, because other obligations may hold now', async (t) => {
    const deps = await storeWith(t, grant);
    const decide = () => decided([], { revision: '000000000000' });
    await assert.rejects(
      elevate(caller, writes, args, allowed([approval]), deps, decide),
      refused('approval_required', /Policy changed/),
    );
    await isStillOpen(deps);
  });
});

test('a grant that is taken back while the call is decided does not help it', async (t) => {
  const deps = await storeWith(t, grant);
  const policy = accepting();
  const grants = {
    ...deps.grants,
    consume: async (found: typeof grant, at: number) => {
      await deps.grants.revoke(found, at);
      return deps.grants.consume(found, at);
    },
  };
  await assert.rejects(
    elevate(caller, writes, args, allowed([approval]), { ...deps, grants }, policy.decide),
    refused('approval_required', /taken back/),
  );
});

test('a grant that ends while the call is decided does not help it', async (t) => {
  const { grants } = await storeWith(t, grant);
  const clock = [grant.expiresAtMs - 1, grant.expiresAtMs];
  const now = () => clock.shift() ?? Number.NaN;
  await assert.rejects(
    elevate(caller, writes, args, allowed([approval]), { grants, now }, accepting().decide),
    refused('approval_required', /has expired/),
  );
});

test('a store that is gone is no yes', async (t) => {
  const dynamo = await openTestDynamo(t);
  await dynamo.stop();
  const grants = createGrantStore({ client: dynamo.client, tablePrefix });
  await assert.rejects(
    elevate(caller, writes, args, allowed([approval]), { grants, now: () => nowMs }, never),
    refused('approval_unavailable'),
  );
});
