import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitStrangers } from '../../runtime/shared/audit/limit-strangers.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { startGatewayWorld } from '../support/gateway-world.ts';
import { createMemoryAudit } from '../support/memory-audit.ts';

test('a flood without a token is answered 401 each time and leaves a bounded record, with the rest counted by code', async () => {
  const memory = createMemoryAudit();
  const audit = limitStrangers(memory, { now: Date.now, logger: silentLogger(), recordsPerInterval: 20 });
  const world = await startGatewayWorld({ deps: { audit } });
  try {
    const answers = await Promise.all(Array.from({ length: 300 }, () => world.send({ token: null })));
    assert.ok(answers.every(({ status }) => status === 401));
    assert.equal(memory.events.length, 20);
    const { status } = await world.send({ params: { name: 'echo.say', arguments: { text: 'hi' } } });
    assert.equal(status, 200, 'a known caller is served and recorded beside the flood');
    assert.equal(memory.events.at(-1)?.event, 'mcp_call');
  } finally {
    await world.close();
  }
  await audit.close();
  assert.deepEqual(memory.events.at(-1)?.detail?.by_code, { credentials_missing: 280 });
});
