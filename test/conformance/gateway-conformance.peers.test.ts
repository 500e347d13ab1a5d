import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { conformanceRuns, problemsOf } from '../support/conformance-runs.ts';
import { type ConformanceWorld, startConformanceWorld } from '../support/conformance-world.ts';
import { failedScenarios, passed, runServerConformance } from '../support/run-conformance.ts';

describe('the official conformance suite', { concurrency: 1 }, () => {
  let world: ConformanceWorld;
  before(async () => {
    world = await startConformanceWorld();
  });
  after(() => world?.close());

  for (const name of names()) {
    it(`is content with the ${name}`, async () => {
      const found = conformanceRuns(world.target).find((each) => each.name === name);
      assert.ok(found);
      assert.deepEqual(problemsOf(found.expected, await found.run()), []);
    });
  }

  it('is not content with a server that lacks what a scenario asks for', async () => {
    const url = world.target.toolServers.read ?? assert.fail('there is no tool server read');
    const run = await runServerConformance({ url, scenario: 'tools-call-simple-text', revision: '2026-07-28' });
    assert.equal(run.exitCode, 1);
    assert.deepEqual([passed(run), failedScenarios(run)], [[], ['tools-call-simple-text']]);
  });

  it('does not take a scenario that was skipped for one that passed', async () => {
    const url = world.target.toolServers.read ?? assert.fail('there is no tool server read');
    const run = await runServerConformance({ url, scenario: 'server-initialize', revision: '2026-07-28' });
    assert.match(run.output, /SKIPPED/);
    assert.notDeepEqual(problemsOf({ passed: 1, of: 1 }, run), []);
  });
});

/** The names do not depend on where things run, so that each run is a test of its own. */
function names(): readonly string[] {
  const nowhere = { issuer: '', resource: '', clientId: '', callbackPort: 0, signIn: async () => {} };
  const fixture = { '2026-07-28': '', '2025-11-25': '' };
  const servers = { read: '', write: '' };
  return conformanceRuns({ fixture, doors: servers, toolServers: servers, authorization: nowhere }).map(
    ({ name }) => name,
  );
}
