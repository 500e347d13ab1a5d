import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { followDeclarations } from '../../../runtime/registry/declarations/follow-declarations.ts';
import { silentLogger } from '../../../runtime/shared/logger.ts';

function reconciliation(pass: () => Promise<boolean>) {
  return { pass, causes: () => new Map<string, string>(), declared: () => 0 };
}

test('passes never overlap, and the end waits for the one under way', async () => {
  let underWay = 0;
  let most = 0;
  let release = () => {};
  const follower = followDeclarations(
    reconciliation(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      underWay -= 1;
      return true;
    }),
    { pollMs: 0, logger: silentLogger() },
  );
  assert.match(follower.problem() ?? '', /not read yet/);
  const [first, second] = [follower.pass(), follower.pass()];
  await turn();
  release();
  await first;
  await turn();
  let isClosed = false;
  const closed = follower.close().then(() => {
    isClosed = true;
  });
  await turn();
  assert.equal(isClosed, false);
  release();
  await Promise.all([second, closed]);
  assert.equal(most, 1);
  assert.deepEqual([follower.problem(), follower.isLeading()], [undefined, true]);
  await follower.pass();
  assert.equal(underWay, 0, 'nothing after the end');
});

test('a cause is logged once, however often it is met, and again when it was over', async () => {
  const lines: { msg: string; level: number }[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let failure: Error | undefined = new Error('SSM is gone');
  const follower = followDeclarations(
    reconciliation(async () => {
      if (failure !== undefined) throw failure;
      return true;
    }),
    { pollMs: 0, logger },
  );
  for (let i = 0; i < 3; i += 1) await follower.pass();
  assert.equal(follower.problem(), 'declarations or catalogue cannot be read');
  failure = undefined;
  await follower.pass();
  failure = new Error('SSM is gone');
  await follower.pass();
  const errors = lines.filter(({ level }) => level === 50);
  assert.equal(errors.length, 2);
  assert.ok(lines.some(({ msg }) => msg === 'declarations and catalogue can be read again'));
  await follower.close();
});

test('no server is asked before there is a key to ask with', async () => {
  let key: string | undefined = 'no signing key';
  let passes = 0;
  const follower = followDeclarations(
    reconciliation(async () => {
      passes += 1;
      return true;
    }),
    { pollMs: 0, logger: silentLogger(), waitsFor: () => key },
  );
  await follower.pass();
  assert.deepEqual([passes, follower.problem()], [0, 'no signing key']);
  key = undefined;
  await follower.pass();
  assert.deepEqual([passes, follower.problem()], [1, undefined]);
  await follower.close();
});
