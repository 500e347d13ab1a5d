import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runInspector } from '../support/inspector.ts';
import { type ClientAnswer, resultOf } from '../support/real-clients.ts';
import { startTestPlatform, type TestPlatform } from '../support/test-platform.ts';
import {
  assertApprovalRequired,
  assertListed,
  assertMasked,
  assertToldModel,
  customersQuery,
  gist,
  listCall,
  mistakes,
  writeCall,
} from '../support/what-clients-see.ts';

const toolNotFound = 5;
const authRequired = 3;

describe('the MCP Inspector, end to end', () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startTestPlatform();
  });
  after(() => platform?.close());

  for (const era of ['legacy', 'auto', 'modern'] as const) {
    const inspect = async (user: string | undefined, run: { method: string; tool?: string; args?: object }) => {
      // Changes are never granted unless they are asked for by name.
      const scope = user === 'oscar' ? 'postgres:query:readonly postgres:query:write s3:list' : undefined;
      const token = user === undefined ? undefined : await platform.token(user, platform.endpoint, scope);
      const { tool, args, method } = run;
      return runInspector({
        url: platform.endpoint,
        era,
        method,
        ...(token !== undefined && { token }),
        ...(tool !== undefined && { tool, args: { ...args } }),
      });
    };
    const call = async (user: string, tool: string, args: object): Promise<ClientAnswer> => {
      const run = await inspect(user, { method: 'tools/call', tool, args });
      assert.ok(run.json?.result, `exit ${run.exitCode}: ${run.stdout}${run.stderr}`);
      return resultOf(run.json.result);
    };

    describe(`era ${era}`, () => {
      it('is turned away without a token', async () => {
        const run = await inspect(undefined, { method: 'tools/list' });
        assert.equal(run.exitCode, authRequired, run.stdout + run.stderr);
        assert.match(run.stderr, /auth_required/);
      });

      it('lists exactly what its user may call', async () => {
        const namesFor = async (user: string) => {
          const run = await inspect(user, { method: 'tools/list' });
          assert.equal(run.exitCode, 0, run.stderr);
          return run.json.result.tools.map(({ name }: { name: string }) => name);
        };
        assert.deepEqual(await namesFor('alice'), ['postgres.readonly', 's3.list']);
        assert.deepEqual(await namesFor('oscar'), ['postgres.readonly', 'postgres.write', 's3.list']);
      });

      it('reads rows in which email, ssn and phone are masked, and lists objects', async () => {
        assertMasked(await call('alice', 'postgres.readonly', customersQuery));
        const record = (await platform.records('postgres.readonly')).at(-1) ?? assert.fail('there is no record');
        assert.equal(gist(record), 'alice read postgres.readonly ok -');
        assertListed(await call('alice', 's3.list', listCall(platform.bucket)));
      });

      it('is told what is wrong with its arguments', async () => {
        for (const { args, says } of mistakes) assertToldModel(await call('alice', 'postgres.readonly', args), says);
      });

      it('does not find a tool that its user may not see', async () => {
        const run = await inspect('bob', { method: 'tools/call', tool: 'postgres.write', args: writeCall });
        assert.equal(run.exitCode, toolNotFound, run.stdout + run.stderr);
      });

      it('is told that a person must approve a change first', async () => {
        assertApprovalRequired(await call('oscar', 'postgres.write', writeCall));
        const calls = (await platform.records('postgres.write')).filter(({ event }) => event === 'mcp_call');
        const record = calls.at(-1) ?? assert.fail('there is no record');
        assert.equal(gist(record), 'oscar write postgres.write refused approval_required');
      });
    });
  }

  it('leaves a record that an outsider can verify', async () => {
    const { exitCode, output } = await platform.verifyAudit();
    assert.equal(exitCode, 0, output);
    assert.match(output, /intact/);
  });
});
