import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { SlackFailure, type SlackFailureKind } from '../../runtime/approvals/clients/slack.ts';
import { keepSocket } from '../../runtime/approvals/keep-socket.ts';

const minute = 60_000;
const failure = (kind: SlackFailureKind, word: string, retryAfterMs?: number) =>
  new SlackFailure('apps.connections.open', kind, word, retryAfterMs);
const revoked = failure('refused', 'token_revoked');
const away = failure('unavailable', 'no_answer');

/** Keeps a socket through tries: one fails, or stays open for so many milliseconds. The last one stays open until the test ends. */
async function keep(t: TestContext, tries: readonly (SlackFailure | number)[]) {
  const clock = { ms: 0 };
  const pauses: number[] = [];
  const problems: (string | undefined)[] = [];
  const lines: { readonly level: number; readonly msg: string; readonly err: { readonly message: string } }[] = [];
  const left = [...tries];
  let end = () => {};
  const lastOne = Promise.withResolvers<void>();
  const open = async () => {
    const next = left.shift();
    if (next instanceof SlackFailure) throw next;
    if (next === undefined) lastOne.resolve();
    const lost = new Promise<void>((resolve) => {
      end = resolve;
      if (next === undefined) return;
      setImmediate(() => {
        clock.ms += next;
        resolve();
      });
    });
    return { lost };
  };
  const socket = keepSocket(open, {
    now: () => clock.ms,
    logger: pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) }),
    pauseMs: 2000,
    pauseMsMax: minute,
    wait: async (ms) => {
      pauses.push(ms);
      problems.push(socket.problem());
    },
  });
  t.after(async () => {
    end();
    await socket.close();
  });
  assert.equal(socket.problem(), 'the socket to Slack is not open yet');
  await lastOne.promise;
  return { socket, pauses, problems, lines, end: () => end() };
}

test('a socket that cannot be opened is tried again after a pause that doubles, up to a minute', async (t) => {
  const { socket, pauses, problems } = await keep(
    t,
    Array.from({ length: 8 }, () => revoked),
  );
  assert.deepEqual(pauses, [2000, 4000, 8000, 16_000, 32_000, minute, minute, minute]);
  assert.deepEqual(new Set(problems), new Set(['the socket to Slack cannot be opened']));
  assert.equal(socket.problem(), undefined);
});

test('one that Slack ends after its hours is opened again at once, and that is no failure', async (t) => {
  const { socket, pauses, problems, lines } = await keep(t, [revoked, minute, minute * 240]);
  assert.deepEqual(pauses, [2000, 0, 0]);
  assert.deepEqual(problems.slice(1), ['the socket to Slack was lost', 'the socket to Slack was lost']);
  assert.equal(lines.length, 1);
  assert.equal(socket.problem(), undefined);
});

test('one that Slack ends as soon as it is open is not opened without a pause', async (t) => {
  const { pauses } = await keep(t, [0, 0, minute - 1, minute, 0]);
  assert.deepEqual(pauses, [2000, 4000, 8000, 0, 2000]);
});

test('Slack is left alone for as long as it says', async (t) => {
  const { pauses } = await keep(t, [failure('busy', 'ratelimited', 90_000), failure('busy', 'ratelimited', 1000)]);
  assert.deepEqual(pauses, [90_000, 4000]);
});

test('each failure is an error that names Slack’s word, and the token only where the token is wrong', async (t) => {
  const { lines } = await keep(t, [revoked, away, failure('busy', 'ratelimited', 1000)]);
  const again = 'the socket to Slack cannot be opened; it is tried again';
  assert.deepEqual(
    lines.map(({ level, msg, err }) => [level, msg, err.message]),
    [
      [
        50,
        'the socket to Slack cannot be opened: look at SLACK_APP_TOKEN',
        'Slack apps.connections.open: token_revoked',
      ],
      [50, again, 'Slack apps.connections.open: no_answer'],
      [50, again, 'Slack apps.connections.open: ratelimited'],
    ],
  );
});

test('after its end it is opened no more', async (t) => {
  const { socket, end, pauses } = await keep(t, []);
  const closed = socket.close();
  end();
  await closed;
  assert.equal(pauses.length, 1);
});

test('an opening that fails because of the end is not told', async () => {
  const lines: string[] = [];
  const opening = Promise.withResolvers<never>();
  const socket = keepSocket(() => opening.promise, {
    now: () => 0,
    logger: pino({ level: 'info' }, { write: (line: string) => lines.push(line) }),
    pauseMs: minute,
    pauseMsMax: minute,
  });
  const closed = socket.close();
  opening.reject(away);
  await closed;
  assert.deepEqual(lines, []);
});
