import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { settleGraceMs } from '../../runtime/approvals/settle-requests.ts';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import type { AuditEvent } from '../../runtime/contract/audit-event.ts';
import type { Crash } from '../support/mortal-processes.ts';
import { openRecordWorld, type RecordWorld, type Replica } from './record-world.ts';

type Act = 'ask' | 'approve' | 'deny' | 'take-back' | 'withdraw' | 'sweep';

interface Action {
  readonly do: Act;
  readonly replica: number;
  /** Which arguments are asked about, or which of two people answers. */
  readonly who: number;
  readonly which: number;
  readonly crash: Crash | undefined;
}

/** Things that happen at the same time. */
interface Moment {
  readonly actions: readonly Action[];
  readonly isTellingBroken: boolean;
  readonly waitMs: number;
}

const day = 86_400_000;
const people = ['grace', 'heidi'] as const;
const outcomes: readonly AuditEvent['event'][] = ['approval_decided', 'approval_expired', 'approval_withdrawn'];

test('every question is on record before its answer, and every outcome and every yes that was taken back is one on record, whoever dies when', async (t) => {
  const world = await openRecordWorld(t);
  const seen = { crashes: 0, closed: 0, takenBack: 0, repeated: 0 };
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(moments(), async (all) => {
      runs += 1;
      const crashed = await live(all, `asker-${runs}`, world);
      await hold(`asker-${runs}`, crashed > 0, seen, world);
      seen.crashes += crashed;
    }),
    // More of them: RECORD_RUNS=2000.
    { numRuns: Number(process.env.RECORD_RUNS ?? 30) },
  );
  assert.ok(seen.crashes > 20 && seen.closed > 20 && seen.takenBack > 5, JSON.stringify(seen));
});

/** All of it, and then as long as the sweep needs; how many processes died. */
async function live(all: readonly Moment[], asker: string, world: RecordWorld): Promise<number> {
  const { clock, telling, processes, replicas } = world;
  const requests = new Map<string, ApprovalRequest>();
  let crashes = 0;
  let calls = 0;
  for (const { actions, isTellingBroken, waitMs } of all) {
    telling.fails = isTellingBroken;
    await Promise.all(
      actions.map(async (action) => {
        calls += 1;
        const callId = `${asker}-${calls}`;
        const done = await processes.run(action.crash, () =>
          act(action, asker, callId, requests, replicas[action.replica] as Replica),
        );
        if (done === undefined) crashes += 1;
      }),
    );
    clock.ms += waitMs;
  }
  telling.fails = false;
  for (let sweep = 0; sweep < 3; sweep += 1) {
    clock.ms += settleGraceMs;
    await replicas[0]?.sweep();
  }
  return crashes;
}

async function act(
  { do: what, who, which }: Action,
  asker: string,
  callId: string,
  requests: Map<string, ApprovalRequest>,
  replica: Replica,
): Promise<void> {
  if (what === 'ask') {
    const request = await replica.ask(asker, String(who), callId);
    requests.set(request.id, request);
    return;
  }
  if (what === 'sweep') return replica.sweep();
  const request = [...requests.values()].at(-1 - (which % Math.max(1, Math.min(2, requests.size))));
  const person = people[who % 2] as string;
  if (request === undefined) return;
  if (what === 'approve' || what === 'deny') await replica.answer(request, person, what);
  if (what === 'take-back') await replica.takeBack(request, person);
  if (what === 'withdraw') await replica.withdraw(request);
}

/** What the record says of one asker's questions, against what is stored. */
async function hold(
  asker: string,
  isCrashed: boolean,
  seen: { closed: number; takenBack: number; repeated: number },
  { events, replicas, clock, grantUses }: RecordWorld,
): Promise<void> {
  const own = events.filter(({ detail }) => detail?.asked_by === asker);
  const store = (replicas[0] as Replica).store;
  const ids = new Set(own.map(({ approval_id }) => approval_id as string));
  for (const id of ids) {
    const request = await store.find(id, clock.ms);
    const about = own.filter(({ approval_id }) => approval_id === id);
    const asked = about.filter(({ event }) => event === 'approval_requested');
    assert.equal(about[0]?.event, 'approval_requested', 'nobody answers what is not on record');
    // Two gateways that are asked the same at once may both record it.
    isOne(asked, true);
    const ended = about.filter(({ event, outcome }) => outcomes.includes(event) && outcome === 'ok');
    if (request === undefined || request.state === 'open') {
      assert.deepEqual(ended, [], 'what is open has no outcome on record');
      continue;
    }
    seen.closed += 1;
    assert.ok(ended.every(({ detail }) => detail?.closed_call_id === request.closedCallId));
    const outcome = ended.filter(({ call_id }) => call_id === request.closedCallId);
    isOne(outcome, isCrashed);
    assert.equal(outcome[0]?.detail?.state, request.state);
    if (outcome.length > 1) seen.repeated += 1;
    const takenBack = (await grantUses.find(request))?.takenBack;
    const revoked = about.filter(({ event, outcome }) => event === 'approval_revoked' && outcome === 'ok');
    const acts = revoked.filter(({ call_id }) => call_id === takenBack?.callId);
    if (takenBack === undefined) {
      assert.deepEqual(revoked, [], 'nothing is on record as taken back that was not');
      continue;
    }
    seen.takenBack += 1;
    isOne(acts, isCrashed);
    assert.ok(revoked.every((each) => acts.includes(each) || each.reason === 'There is nothing left to take back.'));
  }
  assert.ok((await store.listUnsettled()).every(({ subject, state }) => subject !== asker || state === 'open'));
}

/** On record, and never as two: what is said again has the call id of the first, and says that. Where nobody died, nothing is said again. */
function isOne(records: readonly AuditEvent[], mayRepeat: boolean): void {
  assert.equal(new Set(records.map(({ call_id }) => call_id)).size, 1, JSON.stringify(records));
  assert.ok(records.filter(({ reason }) => !reason?.includes('may ')).length <= 1, JSON.stringify(records));
  if (!mayRepeat) assert.equal(records.length, 1, 'one record where nobody died');
}

function moments(): fc.Arbitrary<readonly Moment[]> {
  const crash = fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.record({ at: fc.nat(11), isSent: fc.boolean() }) },
  );
  const of = (weight: number, ...acts: readonly Act[]) => ({ weight, arbitrary: fc.constantFrom(...acts) });
  const action: fc.Arbitrary<Action> = fc.record({
    do: fc.oneof(of(4, 'ask'), of(6, 'approve'), of(5, 'take-back'), of(2, 'deny', 'withdraw'), of(2, 'sweep')),
    replica: fc.nat(1),
    who: fc.nat(1),
    which: fc.nat(3),
    crash,
  });
  const moment = fc.record({
    actions: fc.array(action, { minLength: 1, maxLength: 3, size: 'max' }),
    isTellingBroken: fc.boolean(),
    waitMs: fc.constantFrom(1, 1, 1, 1000, settleGraceMs, day),
  });
  // Something is always asked and answered, or most of what follows would be about nothing.
  const first = (act: Act) => ({ do: act, replica: 0, who: 0, which: 0 });
  const opening = crash.map((crash): Moment[] => [
    { actions: [{ ...first('ask'), crash: undefined }], isTellingBroken: false, waitMs: 1 },
    { actions: [{ ...first('approve'), crash }], isTellingBroken: false, waitMs: 1 },
  ]);
  const rest = fc.array(moment, { maxLength: 8, size: 'max' });
  return fc.tuple(opening, rest).map((parts) => parts.flat());
}
