import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleUsers } from '../../runtime/authorization/sample-users.ts';
import { createStepUpScope, withApprovalScope } from '../../runtime/authorization/step-up-scope.ts';
import type { Asker, StepUp } from '../../runtime/contract/step-up.ts';

const oscar = { subject: 'oscar', clientId: 'dyn-1' };
const question: StepUp = {
  ...{ id: 'request-1', server: 'write', tool: 'postgres.write', words: 'Deletes order 1.' },
  ...{ state: 'open', closedAtMs: undefined, openUntilMs: 5000 },
};
const yes: StepUp = { ...question, state: 'approved', closedAtMs: 1000 };
const used: StepUp = { ...yes, openUntilMs: undefined };

async function standing(all: readonly StepUp[], server: string | undefined = 'write', asker = oscar) {
  const asked: Asker[] = [];
  const scope = createStepUpScope({
    find: async (each) => {
      asked.push(each);
      return all;
    },
    findAccount: async (subject) => sampleUsers.find((user) => user.subject === subject),
  });
  const found = await scope.standing(asker, { server });
  return { found, asked };
}

test('who asks is the person as we know them, the tenant included, and the client', async () => {
  const { asked } = await standing([]);
  assert.deepEqual(asked, [{ tenant: 'acme', ...oscar }]);
  const stranger = await standing([yes], 'write', { ...oscar, subject: 'nobody' });
  assert.deepEqual(stranger, { found: { kind: 'over', newest: undefined }, asked: [] });
});

test('one yes that can be used is enough, whatever else waits, and the last to end counts', async () => {
  const { found } = await standing([question, used, yes, { ...yes, openUntilMs: 9000 }, { ...yes, openUntilMs: 7000 }]);
  assert.deepEqual(found, { kind: 'open', endsAtMs: 9000 });
});

test('a question waits until it is answered; a yes that was used is no question', async () => {
  assert.deepEqual((await standing([used, question])).found, { kind: 'waiting', questions: [question] });
  const denied: StepUp = { ...used, state: 'denied' };
  assert.deepEqual((await standing([denied, used])).found, { kind: 'over', newest: denied });
  assert.deepEqual((await standing([])).found, { kind: 'over', newest: undefined });
});

test('what is asked of another server counts at the door to all, and at no other', async () => {
  assert.equal((await standing([yes], 'read')).found.kind, 'over');
  assert.equal((await standing([question], 'read')).found.kind, 'over');
  assert.equal((await standing([yes], undefined)).found.kind, 'open');
});

test('the scope is for clients that people sign in to', () => {
  const resource = { uri: 'http://gateway.test/mcp', title: 'All servers', server: undefined, scopes: new Map() };
  const having = (clientId: string) => withApprovalScope(resource, clientId).scopes.has('approved:by:human');
  assert.deepEqual(['dyn-1', 'https://client.test/client.json', 'toolgate-command-line'].map(having), [
    true,
    true,
    true,
  ]);
  assert.deepEqual(['agent-night', 'toolgate-approvals', 'other'].map(having), [false, false, false]);
});
