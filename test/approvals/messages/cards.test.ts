import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KnownBlock, ModalView } from '@slack/types';
import fc from 'fast-check';
import { denyDialog } from '../../../runtime/approvals/messages/deny-dialog.ts';
import { type Outcome, outcomeCard } from '../../../runtime/approvals/messages/outcome-card.ts';
import { precedentsOf } from '../../../runtime/approvals/messages/precedents.ts';
import type { SlackMessage } from '../../../runtime/approvals/messages/question.ts';
import { moreWaiting, reminder } from '../../../runtime/approvals/messages/reminders.ts';
import { requestCard } from '../../../runtime/approvals/messages/request-card.ts';
import { argumentLines } from '../../../runtime/approvals/messages/show-arguments.ts';
import { takeBackDialog } from '../../../runtime/approvals/messages/take-back-dialog.ts';
import { blockKitFaults, viewFaults } from '../../support/block-kit.ts';
import { closedQuestion, hostileQuestion, hostileText, sampleQuestion } from '../../support/question.ts';

const page = 'https://mcp.example.com/approvals/AAAAAAAAAAAAAAAAAAAAAA';
// No line feed among them: text of several lines is shown as such.
const unseen = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\u3164|\u2800/u;
const time = fc.integer({ min: 0, max: 4e12 });
const hostileUse = fc.record({
  callsUsed: fc.nat({ max: 20 }),
  callsMax: fc.integer({ min: 1, max: 20 }),
  usedAtMs: fc.option(time, { nil: undefined }),
  usableUntilMs: time,
  takenBack: fc.option(fc.record({ atMs: time, by: fc.option(hostileText, { nil: undefined }), reason: hostileText }), {
    nil: undefined,
  }),
});
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({
    state: fc.constant('approved' as const),
    by: hostileText,
    atMs: time,
    usableUntilMs: time,
    isLeft: fc.boolean(),
    use: fc.option(hostileUse, { nil: undefined }),
  }),
  fc.record({ state: fc.constant('denied' as const), by: hostileText, atMs: time, reason: hostileText }),
  fc.record({ state: fc.constantFrom('expired' as const, 'withdrawn' as const), atMs: time }),
);
const everyMessage: fc.Arbitrary<SlackMessage> = fc.oneof(
  hostileQuestion.map((question) => requestCard(question, page)),
  fc.tuple(hostileQuestion, outcome).map(([question, how]) => outcomeCard(question, how)),
  hostileQuestion.map((question) => reminder(question, page)),
  fc.tuple(hostileText, fc.nat({ max: 10_000 })).map(([subject, count]) => moreWaiting(subject, count, page)),
);

test('every message keeps to the limits that Slack documents, whatever a caller wrote', () => {
  fc.assert(
    fc.property(everyMessage, ({ text, blocks }) => {
      assert.deepEqual(blockKitFaults(blocks), []);
      assert.ok(text.length > 0 && text.length <= 4000, `a notification of ${text.length} characters`);
    }),
    { numRuns: 400 },
  );
});

test('no mention, link, style or emoji in mrkdwn comes of what a caller wrote', () => {
  const own = new RegExp(
    `<!date\\^\\d+\\^\\{date_short_pretty\\} \\{time\\}\\|[0-9T:.Z-]+>|<${page}\\|Look at (it|them)>`,
    'g',
  );
  fc.assert(
    fc.property(everyMessage, (message) => {
      for (const text of mrkdwnOf(message)) {
        const theirs = text.replaceAll(own, '');
        assert.doesNotMatch(theirs, /[<>]|&(?!amp;|lt;|gt;)/);
        assert.doesNotMatch(
          theirs,
          /[*_~`:@#](?!\u200B)(?=\S)(?<!(answer|Approval wanted|Approved|Denied|time|asked):)/,
        );
      }
    }),
    { numRuns: 400 },
  );
});

test('nothing that a caller wrote is invisible, turns the text around or breaks out of its line', () => {
  fc.assert(
    fc.property(everyMessage, ({ blocks }) => {
      for (const text of literalTexts(blocks)) {
        assert.doesNotMatch(text, unseen);
      }
    }),
    { numRuns: 400 },
  );
});

test('a card says what, which arguments, who, through what, why and until when', () => {
  const { text, blocks } = requestCard(sampleQuestion(), page);
  const said = literalTexts(blocks).join('\n');
  for (const part of [
    'Approval wanted: post_message',
    'Posts a message to #general.',
    'channel: "#general"\ntext: "Hello"',
    'alice',
    'Claude Code (claude-code)',
    'post_message of write',
    'The tool changes or deletes something. (destructive_tool)',
    'Can be answered until',
    'A yes is for exactly this call',
    'a'.repeat(64),
  ]) {
    assert.ok(said.includes(part), `${part} is missing in ${said}`);
  }
  assert.match(text, /^Approval wanted/);
  const actions = blocks.find(({ type }) => type === 'actions');
  assert.deepEqual(
    actions?.type === 'actions' && actions.elements.map((button) => 'action_id' in button && button.action_id),
    ['toolgate_approve', 'toolgate_deny', 'toolgate_page'],
  );
});

test('a decided card has the outcome and the question, and no button', () => {
  const { blocks } = outcomeCard(sampleQuestion(), { state: 'denied', by: 'bob', atMs: 0, reason: 'Not on a Friday.' });
  const said = literalTexts(blocks).join('\n');
  for (const part of ['Denied: post_message', 'bob', 'Not on a Friday.', 'channel: "#general"'])
    assert.ok(said.includes(part));
  assert.doesNotMatch(said, /Can be answered until|A yes is for/);
  assert.ok(blocks.every(({ type }) => type !== 'actions'));
});

test('the dialogs for a reason keep to the limits, and carry which question they are about and nothing else', () => {
  const views: readonly ModalView[] = [denyDialog(sampleQuestion()), takeBackDialog(sampleQuestion())];
  for (const view of views) {
    assert.deepEqual(viewFaults(view), []);
    assert.equal(view.private_metadata, `v1.AAAAAAAAAAAAAAAAAAAAAA.${'a'.repeat(64)}`);
  }
});

test('a card that does not have all of the arguments says where they are, and one that has says nothing of it', () => {
  const says = (changes: Parameters<typeof sampleQuestion>[0]) =>
    JSON.stringify(requestCard(sampleQuestion(changes), page));
  const shortened = /Shortened here, all of it is on the page/;
  assert.doesNotMatch(says({ arguments: { sql: 'select 1 -- and more[cut]' } }), shortened);
  assert.match(says({ arguments: { sql: 'x'.repeat(100_000) } }), /100,010 characters in all; the rest is on the page/);
  assert.match(says({ arguments: { sql: 'x'.repeat(100_000) } }), shortened);
  assert.match(says({ isAbridged: true }), shortened);
});

test('a card has an Approve only where it shows all of the arguments, and else a link to where they are', () => {
  const window = { callsMax: 10, same: { '/a': 1 }, sha256: 'e'.repeat(64) };
  const drop = (lines: number) => ({ text: `${'-- lorem ipsum dolor\n'.repeat(lines)}DROP everything`, a: 1 });
  const short = { arguments: drop(20), window };
  assert.deepEqual(buttonsOf(short), [
    ['toolgate_approve', 'Approve', undefined],
    ['toolgate_deny', 'Deny …', undefined],
    ['toolgate_approve_window', 'Approve up to 10 calls like this for 15 minutes', undefined],
    ['toolgate_page', 'Everything about it', page],
  ]);
  for (const changes of [
    { arguments: drop(200), window },
    { ...short, isAbridged: true },
  ]) {
    assert.deepEqual(buttonsOf(changes), [
      ['toolgate_page', 'Open to approve', page],
      ['toolgate_deny', 'Deny …', undefined],
    ]);
  }
});

test('what people said before takes no room from the arguments: a comparison has what they leave', () => {
  const then = closedQuestion({ argumentsSha256: 'b'.repeat(64), arguments: { text: 'then' } });
  const card = (length: number) => {
    const changes = { arguments: { text: 'n'.repeat(length) }, before: precedentsOf([then], false) };
    const { blocks } = requestCard(sampleQuestion(changes), page);
    const has = (blockId: string) => blocks.some(({ block_id }) => block_id === blockId);
    const isAll = literalTexts(blocks).some((text) => text === `text: "${'n'.repeat(length)}"`);
    return { isAll, hasChanges: has('changes'), approves: buttonsOf(changes)[0]?.[0] === 'toolgate_approve' };
  };
  assert.deepEqual(card(2100), { isAll: true, hasChanges: true, approves: true });
  assert.deepEqual(card(2292), { isAll: true, hasChanges: false, approves: true });
  assert.deepEqual(card(2293), { isAll: false, hasChanges: true, approves: false });
  const said = literalTexts(
    requestCard(sampleQuestion({ arguments: { text: 'n'.repeat(2292) }, before: precedentsOf([then], false) }), page)
      .blocks,
  );
  assert.ok(said.includes('some lines changed; the page shows which'));
});

test('an Approve is there exactly where every line of the arguments is, whatever a caller wrote', () => {
  fc.assert(
    fc.property(hostileQuestion, (question) => {
      const { blocks } = requestCard(question, page);
      const isAll = literalTexts(blocks).includes(argumentLines(question.arguments).join('\n'));
      assert.equal(buttonsOf(question)[0]?.[0] === 'toolgate_approve', isAll);
    }),
    { numRuns: 400 },
  );
});

test('the limits would be seen', () => {
  const section = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });
  assert.match(String(blockKitFaults([section('x'.repeat(3001))])), /3001 characters/);
  assert.match(String(blockKitFaults(Array.from({ length: 51 }, () => ({ type: 'divider' })))), /51 items/);
  assert.match(String(blockKitFaults([section('')])), /0 characters/);
  assert.match(String(blockKitFaults([section('\uD800')])), /half a character/);
  const button = { type: 'button', action_id: 'a', text: { type: 'plain_text', text: 'Go' }, value: 'x'.repeat(2001) };
  assert.match(String(blockKitFaults([{ type: 'actions', elements: [button] }])), /2001 characters/);
  const link = { type: 'button', action_id: 'a', text: { type: 'plain_text', text: 'Go' }, url: 'javascript:alert(1)' };
  assert.match(String(blockKitFaults([{ type: 'actions', elements: [link] }])), /leads nowhere/);
  assert.match(String(blockKitFaults([{ type: 'marquee' }])), /unknown type/);
});

function buttonsOf(changes: Parameters<typeof sampleQuestion>[0]) {
  const actions = requestCard(sampleQuestion(changes), page).blocks.find(({ block_id }) => block_id === 'answer');
  assert.ok(actions?.type === 'actions');
  return actions.elements.flatMap((each) =>
    each.type === 'button' ? [[each.action_id, each.text.text, each.url]] : [],
  );
}

function mrkdwnOf({ text, blocks }: SlackMessage): readonly string[] {
  const found = [text];
  walk(blocks, (value) => {
    if (value.type === 'mrkdwn' && typeof value.text === 'string') found.push(value.text);
  });
  return found;
}

function literalTexts(blocks: readonly KnownBlock[]): readonly string[] {
  const found: string[] = [];
  walk(blocks, (value) => {
    if (['text', 'plain_text'].includes(String(value.type)) && typeof value.text === 'string') found.push(value.text);
  });
  return found;
}

function walk(value: unknown, visit: (value: Readonly<Record<string, unknown>>) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Readonly<Record<string, unknown>>);
  for (const member of Object.values(value)) walk(member, visit);
}
