import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { roundsMax } from '../../runtime/gateway/approval/ask-people.ts';
import { type PersonAtBrowser, personAtBrowser } from '../support/person-at-browser.ts';
import { connectSdkV1, connectSdkV2, type RealClient } from '../support/real-clients.ts';
import type { PlatformUnderTest } from '../support/test-platform.ts';
import {
  approvalIdIn,
  assertListed,
  assertMasked,
  assertToldModel,
  customersQuery,
  gist,
  listCall,
  mistakes,
  writeCall,
} from '../support/what-clients-see.ts';

const clients = [
  {
    name: 'SDK v2',
    connect: connectSdkV2,
    revision: '2026-07-28',
    insufficientScope: 'insufficient_scope',
    rounds: roundsMax,
  },
  // SDK v1 signs in again by itself, once, and then says the status.
  { name: 'SDK v1', connect: connectSdkV1, revision: '2025-11-25', insufficientScope: 403, rounds: 1 },
] as const;

/** What the SDK clients see of a platform, wherever it runs. */
export function sdkClientsSuite(where: string, start: () => Promise<PlatformUnderTest>): void {
  describe(`the SDK clients, end to end, ${where}`, () => {
    let platform: PlatformUnderTest;
    const open: RealClient[] = [];
    before(async () => {
      platform = await start();
    });
    after(async () => {
      await Promise.all(open.map((client) => client.close()));
      await platform?.close();
    });

    for (const { name, connect, revision, insufficientScope, rounds } of clients) {
      const door = (server: 'read' | 'write') =>
        platform.servers[server] ?? assert.fail(`there is no server ${server}`);
      const person = (user: string, narrowScope?: string) => personAtBrowser(user, narrowScope, platform.signIn);
      const connectAs = async (someone: PersonAtBrowser, url: string) => {
        const client = await connect(url, someone);
        open.push(client);
        return client;
      };

      describe(name, () => {
        it('finds its way from a 401 to a token for this door alone', async () => {
          const alice = person('alice');
          const client = await connectAs(alice, door('read'));
          assert.equal(client.revision, revision);
          const [asked, ...more] = alice.opened;
          assert.equal(more.length, 0);
          assert.equal(asked?.searchParams.get('resource'), door('read'));
          assert.equal(asked?.searchParams.get('code_challenge_method'), 'S256');
          assert.equal(alice.answer().get('iss'), platform.issuer);
        });

        it('lists exactly what its user may call', async () => {
          const reader = await connectAs(person('alice'), platform.endpoint);
          assert.deepEqual(await reader.listTools(), ['postgres.readonly', 's3.list']);
          const operator = await connectAs(person('oscar'), platform.endpoint);
          assert.deepEqual(await operator.listTools(), ['postgres.readonly', 'postgres.write', 's3.list']);
          const readDoor = await connectAs(person('oscar'), door('read'));
          assert.deepEqual(await readDoor.listTools(), ['postgres.readonly', 's3.list']);
        });

        it('reads rows in which email, ssn and phone are masked', async () => {
          const client = await connectAs(person('alice'), platform.endpoint);
          assertMasked(await client.callTool('postgres.readonly', customersQuery));
          const records = await platform.records('postgres.readonly');
          const record = records.at(-1) ?? assert.fail('there is no record');
          assert.equal(gist(record), `${platform.subjectOf('alice')} read postgres.readonly ok -`);
          assert.ok((record.redactions?.masked_cells ?? 0) >= 6, JSON.stringify(record.redactions));
          assert.doesNotMatch(JSON.stringify(record), /@example\.com/);
        });

        it('lists objects of the store', async () => {
          const client = await connectAs(person('alice'), door('read'));
          assertListed(await client.callTool('s3.list', listCall(platform.bucket)));
          const record = (await platform.records('s3.list')).at(-1) ?? assert.fail('there is no record');
          assert.equal(gist(record), `${platform.subjectOf('alice')} read s3.list ok -`);
        });

        it('is told what is wrong with its arguments, after it learned the output schema', async () => {
          const client = await connectAs(person('alice'), door('read'));
          await client.listTools();
          for (const { args, says } of mistakes)
            assertToldModel(await client.callTool('postgres.readonly', args), says);
        });

        it('is told nothing of a tool that its user may not see', async () => {
          const client = await connectAs(person('bob'), platform.endpoint);
          const answer = await client.callTool('postgres.write', writeCall);
          assert.ok(answer.kind === 'refusal', JSON.stringify(answer));
          assert.equal(answer.code, -32602);
          assert.match(answer.message, /Unknown tool: postgres\.write$/);
          const record = (await platform.records('postgres.write')).at(-1) ?? assert.fail('there is no record');
          assert.equal(record.caller?.subject, platform.subjectOf('bob'));
          assert.equal(record.code, 'tool_unknown');
        });

        it('is told that a person must approve a change first', async () => {
          const client = await connectAs(person('oscar'), door('write'));
          assert.deepEqual(await client.listTools(), ['postgres.write']);
          const id = approvalIdIn(await client.callTool('postgres.write', writeCall));
          const calls = (await platform.records('postgres.write')).filter(
            ({ event, approval_id }) => event === 'mcp_call' && approval_id === id,
          );
          assert.equal(calls.length, rounds, 'the last word comes before the client gives up, after ten rounds');
          const record = calls.at(-1) ?? assert.fail('there is no record');
          assert.equal(gist(record), `${platform.subjectOf('oscar')} write postgres.write refused approval_required`);
        });

        it('is refused a call that its token has no scope for', async () => {
          const alice = person('alice', 'postgres:query:readonly');
          const client = await connectAs(alice, door('read'));
          assert.deepEqual(await client.listTools(), ['postgres.readonly']);
          const answer = await client.callTool('s3.list', listCall(platform.bucket));
          assert.ok(answer.kind === 'refusal', JSON.stringify(answer));
          assert.equal(answer.code, insufficientScope);
          const record = (await platform.records('s3.list')).at(-1) ?? assert.fail('there is no record');
          assert.equal(gist(record), `${platform.subjectOf('alice')} read s3.list refused insufficient_scope`);
        });
      });
    }

    it('leaves a record that an outsider can verify', async () => {
      const { exitCode, output } = await platform.verifyAudit();
      assert.equal(exitCode, 0, output);
      assert.match(output, /intact/);
    });
  });
}
