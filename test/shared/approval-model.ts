import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ApprovalQuestion, ApprovalRequest, ApprovalScope, WindowOffer } from '../../runtime/contract/approval.ts';
import type { Grant } from '../../runtime/contract/receipts.ts';
import type { ApprovalStore } from '../../runtime/shared/approval-store.ts';
import type { GrantStore } from '../../runtime/shared/grant-store.ts';
import { sampleDecision, sampleQuestion } from '../support/approval.ts';
import type { Crash, Processes } from '../support/mortal-processes.ts';

const quarter = 15 * 60_000;
const windowCalls = 3;
/** Calls of the first two have in common what a window binds; the third is none of those. */
const sameOf = ['e', 'e', 'f'];

interface Call {
  readonly do: 'call';
  readonly args: number;
  readonly replica: number;
  readonly crash: Crash | undefined;
}

interface Answer {
  readonly do: 'answer';
  readonly verdict: 'approve' | 'deny';
  readonly scope: ApprovalScope;
  readonly who: number;
  readonly which: number;
  readonly crash: Crash | undefined;
}

interface Other {
  readonly do: 'revoke' | 'withdraw' | 'sweep';
  readonly which: number;
  readonly crash: Crash | undefined;
}

type Action = Call | Answer | Other;

/** What has to be true, as far as anybody outside was told. */
export interface Model {
  nowMs: number;
  readonly tenant: string;
  readonly questions: readonly ApprovalQuestion[];
  /** By id of the request. */
  readonly requests: Map<string, Known>;
}

interface Known {
  readonly args: number;
  /** What somebody said yes to, whether they were told that it stands or not. */
  readonly said: Set<ApprovalScope>;
  /** What the yes is to that somebody was told of. */
  scope: ApprovalScope | undefined;
  /** When the yes was given that somebody was told of. */
  acknowledgedAtMs: number | undefined;
  /** Told of: it was denied, taken back or withdrawn, so that no call may run on it from now on. */
  isOver: boolean;
  /** It was so before whatever happens now. */
  wasOver: boolean;
  /** A gateway died, or somebody took it back at the same time: it may be used, and nobody knows. */
  isUncertain: boolean;
  runs: number;
  closed: string | undefined;
}

/** How often the interesting things happened, over all runs. */
export interface Seen {
  runs: number;
  windowRuns: number;
  crashes: number;
  recovered: number;
}

let worlds = 0;

/** A new tenant, so that runs share tables and nothing else. */
export function newModel(): Model {
  worlds += 1;
  const tenant = `tenant-${worlds}`;
  return {
    nowMs: 1_795_000_000_000,
    tenant,
    questions: ['a', 'b', 'c'].map((args, i) => {
      const window = {
        callsMax: windowCalls,
        same: { '/table': sameOf[i] ?? '' },
        sha256: (sameOf[i] ?? '').repeat(64),
      };
      const given = { ids: Array.from({ length: sameOf[i] === 'f' ? 101 : 1 }, (_, id) => id) };
      return sampleQuestion({ tenant, argumentsSha256: args.repeat(64), arguments: given, window });
    }),
    requests: new Map(),
  };
}

class Wait implements fc.AsyncCommand<Model, Processes> {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
  check = () => true;
  async run(model: Model): Promise<void> {
    model.nowMs += this.ms;
  }
  toString = () => `wait ${this.ms} ms`;
}

/** Several actions at once. */
class Together implements fc.AsyncCommand<Model, Processes> {
  readonly actions: readonly Action[];
  readonly seen: Seen;
  constructor(actions: readonly Action[], seen: Seen) {
    this.actions = actions;
    this.seen = seen;
  }
  check = () => true;
  toString = () => `together ${JSON.stringify(this.actions)}`;

  async run(model: Model, real: Processes): Promise<void> {
    const acts = this.actions.map((action) => ({ action, id: pick(model, action) }));
    for (const { action, id } of acts) before(model, action, id);
    const due = model.questions.map((_, args) => dueYeses(model, args));
    const dueInWindows = new Map(sameOf.map((same) => [same, dueCalls(model, same)]));
    const runs = model.questions.map(() => 0);
    const isAlive = await Promise.all(
      acts.map(async ({ action, id }) => {
        const done = await real.run(action.crash, () => this.#act(action, id, model, real));
        if (done === undefined) this.seen.crashes += 1;
        else if (done.value !== undefined) {
          const args = ran(model, done.value);
          runs[args] = (runs[args] ?? 0) + 1;
          this.seen.runs += 1;
          if (done.value.calls !== undefined) this.seen.windowRuns += 1;
        }
        return done !== undefined;
      }),
    );
    for (const [same, left] of dueInWindows) {
      const alike = sameOf.flatMap((each, args) => (each === same ? [args] : []));
      const calls = alike.map(
        (args) => acts.filter(({ action }, i) => action.do === 'call' && action.args === args && isAlive[i]).length,
      );
      const own = alike.map((args, i) => Math.min(calls[i] ?? 0, due[args] ?? 0));
      const wanted = sum(own) + Math.min(sum(calls) - sum(own), left);
      const ranAlike = sum(alike.map((args) => runs[args] ?? 0));
      assert.ok(ranAlike >= wanted, `${wanted} calls had an acknowledged yes, and ${ranAlike} ran`);
    }
    const [anybody] = real.approvals as [ApprovalStore];
    for (const request of await anybody.listOpen(model.tenant, model.nowMs)) {
      const asked = model.questions.find(({ argumentsSha256 }) => argumentsSha256 === request.argumentsSha256);
      assert.deepEqual(await anybody.wholeArguments(request), asked?.arguments, 'not all of it can be read');
    }
    for (const { isOver, runs, scope } of model.requests.values()) {
      assert.ok(!isOver || runs === 0 || scope === 'window', 'a call ran on a yes that was denied or taken back');
    }
  }

  /** The grant on which a call ran. */
  async #act(action: Action, id: string | undefined, model: Model, real: Processes): Promise<Grant | undefined> {
    const { nowMs } = model;
    if (action.do === 'call') return this.#call(action.args, action.replica, model, real);
    const approvals = real.approvals[action.which % 2] as ApprovalStore;
    if (id === undefined) return undefined;
    const known = model.requests.get(id) as Known;
    if (action.do === 'answer') {
      await this.#answer(action, id, model, real);
    } else if (action.do === 'sweep') {
      await approvals.expire(id, nowMs);
      await approvals.settle(id);
    } else if (action.do === 'revoke') {
      if (await approvals.revoke(id, nowMs)) known.isOver = true;
    } else if (action.do === 'withdraw') {
      const closed = await approvals.withdraw(id, nowMs);
      if (closed?.isYours === true) known.isOver = true;
      if (closed !== undefined) note(model, closed.request);
    }
    return undefined;
  }

  async #answer(action: Answer, id: string, model: Model, real: Processes): Promise<void> {
    const known = model.requests.get(id) as Known;
    const approver = `approver-${action.who}`;
    const decision = sampleDecision({ verdict: action.verdict, approver, reason: 'So.', scope: action.scope });
    const closed = await (real.approvals[action.who] as ApprovalStore).decide(id, decision, model.nowMs);
    assert.ok(closed !== undefined);
    note(model, closed.request);
    if (closed.request.state === 'denied') known.isOver = true;
    const isYes = closed.request.state === 'approved' && closed.request.decision?.approver === approver;
    if (isYes && !closed.isYours) this.seen.recovered += 1;
    if (isYes) known.acknowledgedAtMs = closed.request.closedAtMs;
  }

  /** What a gateway does with a call: a grant that it uses up, or a question. */
  async #call(args: number, replica: number, { nowMs, ...model }: Model, real: Processes): Promise<Grant | undefined> {
    const question = model.questions[args] as ApprovalQuestion;
    const grants = real.grants[replica] as GrantStore;
    const { sha256: sameSha256 } = question.window as WindowOffer;
    const use = async (): Promise<Grant | undefined> => {
      const one = await grants.find(question, nowMs);
      // Whoever was overtaken looks again.
      if (one !== undefined) return (await grants.consume(one, nowMs)) ? one : use();
      const several = await grants.findWindow(question, { sameSha256, max: windowCalls }, nowMs);
      if (several === undefined) return undefined;
      const nth = await grants.consumeOne(several, nowMs);
      assert.ok(nth === undefined || (nth >= 1 && nth <= windowCalls), `the ${nth}th call of a window`);
      return nth === undefined ? use() : several;
    };
    const grant = await use();
    if (grant !== undefined) return grant;
    const request = await (real.approvals[replica] as ApprovalStore).open(question, nowMs);
    assert.equal(request.argumentsSha256, question.argumentsSha256);
    note({ nowMs, ...model }, request);
    return request.state === 'approved' ? use() : undefined;
  }
}

/** The request that an action is about, out of those that somebody was told of. */
function pick(model: Model, action: Action): string | undefined {
  if (action.do === 'call') return undefined;
  const ids = [...model.requests.keys()];
  // The last ones are the ones that something can still happen to.
  return ids.at(-1 - (action.which % Math.max(1, Math.min(3, ids.length))));
}

/** What may be true from now on, whether somebody will be told or not. */
function before(model: Model, action: Action, id: string | undefined): void {
  for (const known of model.requests.values()) known.wasOver = known.isOver;
  if (action.do === 'call' && action.crash !== undefined) {
    for (const known of model.requests.values()) {
      if (sameOf[known.args] === sameOf[action.args]) known.isUncertain = true;
    }
  }
  const known = id === undefined ? undefined : model.requests.get(id);
  if (known === undefined) return;
  if (action.do === 'revoke') known.isUncertain = true;
  if (action.do === 'answer' && action.verdict === 'approve') known.said.add(action.scope);
}

/** Yeses that somebody was told of and that nobody can have used. */
function dueYeses(model: Model, args: number): number {
  return usable(model).filter(({ scope, runs, args: own }) => own === args && scope === 'call' && runs === 0).length;
}

/** As {@link dueYeses}, calls that are left in windows. */
function dueCalls(model: Model, same: string): number {
  const windows = usable(model).filter(({ scope, args }) => scope === 'window' && sameOf[args] === same);
  return sum(windows.map(({ runs }) => windowCalls - runs));
}

function usable(model: Model): readonly Known[] {
  return [...model.requests.values()].filter(
    ({ acknowledgedAtMs, isUncertain, isOver }) =>
      acknowledgedAtMs !== undefined && model.nowMs < acknowledgedAtMs + quarter && !isUncertain && !isOver,
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

/** A call ran on this grant: it must be one that was given, in time, for this call, and never before. */
function ran(model: Model, grant: Grant): number {
  const known = model.requests.get(grant.id);
  const scope: ApprovalScope = grant.calls === undefined ? 'call' : 'window';
  assert.ok(known !== undefined, 'a call ran without a question');
  assert.ok(known.said.has(scope), 'a call ran without a yes');
  assert.ok(!known.wasOver, 'a call ran on a yes that had been taken back');
  known.runs += 1;
  assert.ok(known.runs <= (grant.calls === undefined ? 1 : windowCalls), 'more runs than a yes is for');
  assert.ok(model.nowMs < grant.grantedAtMs + quarter, 'a call ran on a yes that was over');
  const args = model.questions.findIndex(({ argumentsSha256 }) => argumentsSha256 === grant.argumentsSha256);
  if (grant.calls === undefined) assert.equal(args, known.args, 'a yes to one call ran another');
  else assert.equal(sameOf[args], sameOf[known.args], 'a call ran outside of its window');
  return args;
}

/** An outcome stands for good, and one that asks again is told the same. */
function note(model: Model, request: ApprovalRequest): void {
  const args = model.questions.findIndex(({ argumentsSha256 }) => argumentsSha256 === request.argumentsSha256);
  const isNew = { args, scope: undefined, acknowledgedAtMs: undefined, isOver: false, wasOver: false };
  const unused = { isUncertain: false, runs: 0, closed: undefined, said: new Set<ApprovalScope>() };
  const known: Known = model.requests.get(request.id) ?? { ...isNew, ...unused };
  model.requests.set(request.id, known);
  if (request.state === 'open') return;
  known.closed ??= request.state;
  const scope = request.decision?.scope ?? 'call';
  if (request.state === 'approved') known.scope ??= scope;
  assert.ok(request.state !== 'approved' || scope === known.scope, 'what a yes is to changed');
  assert.equal(request.state, known.closed, 'an outcome changed');
}

/** Anything that anybody can do, in any order, at once, and dying on the way. */
export function commands(seen: Seen) {
  const crash = fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.record({ at: fc.nat(8), isSent: fc.boolean() }) },
  );
  const which = fc.nat(20);
  const call: fc.Arbitrary<Action> = fc.record({
    do: fc.constant('call' as const),
    args: fc.nat(2),
    replica: fc.nat(1),
    crash,
  });
  const answer: fc.Arbitrary<Action> = fc.record({
    do: fc.constant('answer' as const),
    verdict: fc.constantFrom('approve' as const, 'approve' as const, 'deny' as const),
    scope: fc.constantFrom('call' as const, 'window' as const),
    who: fc.nat(1),
    which,
    crash,
  });
  const other: fc.Arbitrary<Action> = fc.record({
    do: fc.constantFrom('revoke' as const, 'withdraw' as const, 'sweep' as const),
    which,
    crash,
  });
  const action = fc.oneof(
    { weight: 5, arbitrary: call },
    { weight: 4, arbitrary: answer },
    { weight: 1, arbitrary: other },
  );
  return fc.commands(
    [
      fc.array(action, { minLength: 1, maxLength: 4 }).map((actions) => new Together(actions, seen)),
      fc.array(action, { minLength: 1, maxLength: 1 }).map((actions) => new Together(actions, seen)),
      fc.constantFrom(1, 60_000, quarter - 1, quarter, 86_400_000).map((ms) => new Wait(ms)),
    ],
    { maxCommands: 30, size: 'max' },
  );
}
