// A refusal that costs nothing is a way to probe names for ever.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestPlatform, type TestPlatform } from '../support/test-platform.ts';

let platform: TestPlatform;
before(async () => {
  platform = await startTestPlatform();
});
after(() => platform.close());

const message = (method: string, params: object = {}) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
const refused = {
  'an unknown tool': ['alice', message('tools/call', { name: 'no.such', arguments: {} })],
  'a tool without its scope': ['oscar', message('tools/call', { name: 'postgres.write', arguments: { sql: 'x' } })],
  'a denied method': ['ada', message('resources/list')],
  'an unknown method': ['pat', message('no/such')],
  'malformed JSON': ['bob', '{'],
} as const;

for (const [name, [user, body]] of Object.entries(refused)) {
  test(`${name} costs as much as a good call`, async () => {
    const token = await platform.token(user, platform.endpoint);
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
    const statuses: number[] = [];
    for (let sent = 0; sent < 260; sent += 20) {
      const answers = Array.from({ length: 20 }, () => fetch(platform.endpoint, { method: 'POST', headers, body }));
      for (const answer of await Promise.all(answers)) {
        statuses.push(answer.status);
        await answer.arrayBuffer();
      }
    }
    assert.ok(statuses.includes(429), 'a burst of 200 is over');
  });
}
