// Agents that people use, run without a person at the keyboard, with a model that follows the four stories of a yes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type ModelTurn, startFakeModel } from '../support/agents/fake-model.ts';
import { type AgentProgram, agentPrograms, runAgent } from '../support/agents/run-agent.ts';
import { type ApproverAtPage, approverAtPage } from '../support/approver-at-page.ts';
import { assertDocumented, assertVersionDocumented } from '../support/clients-doc.ts';
import { startTestPlatform, type TestPlatform } from '../support/test-platform.ts';

const { dependencies } = JSON.parse(readFileSync(new URL('../agents/package.json', import.meta.url), 'utf8'));

describe('an agent whose model wants a change that a person must allow', () => {
  let platform: TestPlatform;
  let ada: ApproverAtPage;
  before(async () => {
    platform = await startTestPlatform({ approvalHoldMs: 30_000 });
    ada = await approverAtPage({ ...platform, user: 'ada' });
  });
  after(() => platform?.close());

  /** The turns of the model. What it reads after each call is handed back by `yield`. */
  async function* stories(sku: string, read: Map<string, string>): AsyncGenerator<ModelTurn, ModelTurn, string> {
    const call = (stock: number) => ({ call: { sql: `update products set stock = ${stock} where sku = '${sku}'` } });
    const idIn = (text: string) => /APPROVAL_REQUIRED id=([\w-]{22})/.exec(text)?.[1] ?? assert.fail(text);
    const note = (story: string, text: string) => {
      read.set(story, text);
      return text;
    };
    /** One call, sent again while a store of this machine is too slow for it. */
    async function* change(stock: number): AsyncGenerator<ModelTurn, string, string> {
      let said = yield call(stock);
      for (let again = 0; again < 5 && /"(approval|quota)_unavailable/.test(said); again += 1) said = yield call(stock);
      return said;
    }
    const asked = idIn(note('asked', yield* change(6001)));
    await ada.answer(asked, 'approve');
    assert.match(note('approved', yield* change(6001)), /rows_affected\\?":1/);
    assert.notEqual(idIn(yield* change(6001)), asked, 'a yes is for one run');

    await ada.answer(idIn(yield* change(6002)), 'deny', 'Stock is counted on Monday.');
    assert.match(note('denied', yield* change(6002)), /Stock is counted on Monday/);

    const late = idIn(yield* change(6003));
    await platform.expire(late);
    assert.notEqual(idIn(note('expired', yield* change(6003))), late, 'it asks anew');

    const meant = idIn(yield* change(6004));
    await ada.answer(meant, 'approve');
    assert.notEqual(idIn(note('changed', yield* change(6005))), meant);
    assert.match(yield* change(6004), /rows_affected\\?":1/);
    return { say: 'That is all.' };
  }

  async function converse(program: AgentProgram, sku: string) {
    const read = new Map<string, string>();
    const script = stories(sku, read);
    // An agent that sends its conversation once more gets the same turn once more.
    const turns = new Map<number, Promise<ModelTurn>>();
    const problems: unknown[] = [];
    const next = async (said: string): Promise<ModelTurn> => {
      try {
        return (await script.next(said)).value;
      } catch (error) {
        problems.push(error);
        return { say: 'The story went wrong.' };
      }
    };
    const model = await startFakeModel({
      tool: /postgres.?write/,
      script: (results) => {
        const turn = turns.get(results.length) ?? next(results.at(-1) ?? '');
        turns.set(results.length, turn);
        return turn;
      },
    });
    const url = platform.servers.write ?? '';
    const token = await platform.token('oscar', url, 'postgres:query:write');
    try {
      const run = await runAgent(program, { modelUrl: model.url, mcpUrl: url, token });
      assert.deepEqual([...problems, ...model.problems], []);
      return { run, read };
    } finally {
      await model.close();
    }
  }

  for (const [index, program] of agentPrograms.entries()) {
    describe(program.name, () => {
      it('asks, is approved, is denied, comes too late, and asks anew for a changed argument', async () => {
        const { run, read } = await converse(program, `SKU-003${index}`);
        assert.equal(run.exitCode, 0, run.stderr);
        assert.match(run.stdout, /That is all\./, 'what the model says is what a person reads');
        for (const [story, said] of read) assertDocumented(program.name, story, said);
        assertVersionDocumented(program.name, dependencies[program.package]);
      });
    });
  }

  it('leaves a record that an outsider can verify', async () => {
    const { exitCode, output } = await platform.verifyAudit();
    assert.equal(exitCode, 0, output);
  });
});
