import fc from 'fast-check';
import { type ClosedQuestion, precedentsOf } from '../../runtime/approvals/messages/precedents.ts';
import type { Question } from '../../runtime/approvals/messages/question.ts';
import type { Json } from '../../runtime/contract/json.ts';

/** A question to approvers, with what a test changes. */
export function sampleQuestion(changes: Partial<Question> = {}): Question {
  return {
    id: 'AAAAAAAAAAAAAAAAAAAAAA',
    server: 'write',
    tool: 'post_message',
    subject: 'alice',
    clientId: 'claude-code',
    clientName: 'Claude Code',
    words: 'Posts a message to #general.',
    arguments: { channel: '#general', text: 'Hello' },
    argumentsSha256: 'a'.repeat(64),
    reasons: ['destructive_tool'],
    expiresAtMs: Date.UTC(2026, 6, 28, 12),
    ...changes,
  };
}

/** One that is over. */
export function closedQuestion(changes: Partial<ClosedQuestion> = {}): ClosedQuestion {
  const { server, tool, subject, words, argumentsSha256 } = sampleQuestion();
  return {
    id: 'BBBBBBBBBBBBBBBBBBBBBB',
    state: 'approved',
    closedAtMs: Date.UTC(2026, 6, 27, 12),
    isTakenBack: false,
    scope: 'call',
    approver: 'ada',
    ...{ server, tool, subject, words, argumentsSha256 },
    beginning: 'channel: "#general", text: "Hello"',
    arguments: { channel: '#general', text: 'Hello' },
    ...changes,
  };
}

/** What a caller would write to be shown as something else, or to reach people it should not. */
export const hostileTexts = [
  '<!channel> <!here> <!everyone> @channel',
  '<@U012AB3CD> <!subteam^S0614TZR7>',
  '<https://evil.example|Approved by the CISO>',
  '```\n*Approved*\n```',
  '*bold* _it_ ~no~ `code` > quote :white_check_mark:',
  '\u202Etxt.gpj\u2066 \u200B\u200D\uFEFF\u00AD\u3164\u2800',
  'one\u2028two\u2029three\r\nfour\tfive\u0000',
  '\uD800 lone \uDC00',
  '&amp;&lt;!channel&gt;',
  'line\namount: 1\nwho: nobody',
  'x'.repeat(10_000),
  '&'.repeat(4000),
  '😀'.repeat(3000),
  '',
] as const;

export const hostileText = fc.oneof(
  fc.constantFrom<string>(...hostileTexts),
  fc.string({ unit: 'binary', maxLength: 4000 }),
  fc.array(fc.constantFrom<string>(...hostileTexts), { maxLength: 4 }).map((parts) => parts.join('')),
);

const hostileJson = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    hostileText,
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(hostileText, tie('json'), { maxKeys: 5 }),
  ),
})).json;

const hostilePrecedent = fc
  .record({
    approver: hostileText,
    state: fc.constantFrom<'approved' | 'denied'>('approved', 'denied'),
    argumentsSha256: fc.constantFrom('a'.repeat(64), 'b'.repeat(64)),
    arguments: fc.option(fc.dictionary(hostileText, hostileJson, { maxKeys: 6 }), { nil: undefined }),
  })
  .map((parts) => closedQuestion(parts as Partial<ClosedQuestion>));

/** Questions in which everything that somebody else wrote is hostile. */
export const hostileQuestion: fc.Arbitrary<Question> = fc
  .record({
    server: hostileText,
    tool: hostileText,
    subject: hostileText,
    clientId: hostileText,
    clientName: fc.option(hostileText, { nil: undefined }),
    words: hostileText,
    arguments: fc.dictionary(hostileText, hostileJson, { maxKeys: 6 }),
    reasons: fc.array(hostileText, { maxLength: 5 }),
    expiresAtMs: fc.integer({ min: 0, max: 4e12 }),
    before: fc.option(
      fc.array(hostilePrecedent, { maxLength: 2 }).map((closed) => precedentsOf(closed, false)),
      { nil: undefined },
    ),
  })
  .map((parts) => sampleQuestion(parts as Partial<Question>));
