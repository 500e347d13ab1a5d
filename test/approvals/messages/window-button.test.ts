import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestCard } from '../../../runtime/approvals/messages/request-card.ts';
import { readClick } from '../../../runtime/approvals/read-click.ts';
import type { WindowOffer } from '../../../runtime/contract/approval.ts';
import { sampleQuestion } from '../../support/question.ts';

const offer = (same: WindowOffer['same']): WindowOffer => ({ callsMax: 100, same, sha256: 'e'.repeat(64) });

function buttonsOf(window?: WindowOffer) {
  const { blocks } = requestCard(sampleQuestion({ window }), 'https://toolgate.test/approvals/1');
  const actions = blocks.find(({ block_id }) => block_id === 'answer');
  assert.ok(actions?.type === 'actions');
  return actions.elements.flatMap((each) => (each.type === 'button' ? [each] : []));
}

test('a card has a third answer where a window is offered, which says what stays the same before it counts', () => {
  const [approve, deny, several] = buttonsOf(offer({ '/where/table': 'orders', '/a~1b~0c': [1] }));
  assert.deepEqual([approve?.text.text, deny?.text.text], ['Approve', 'Deny …']);
  assert.equal(several?.text.text, 'Approve up to 100 calls like this for 15 minutes');
  assert.equal(several?.style, undefined, 'the plain one');
  assert.equal(
    several?.confirm?.text.text,
    'This stays the same:\nwhere › table: "orders"\na/b~c: [1]\nAnything else may change.',
  );
  assert.ok((several?.text.text.length ?? 99) <= 75 && (several?.confirm?.text.text.length ?? 999) <= 300);
});

test('what does not fit into a confirmation is offered on the page only, and a text cannot turn a line around', () => {
  assert.equal(buttonsOf().length, 3);
  assert.equal(buttonsOf(offer({ '/sql': 'x'.repeat(300) })).length, 3);
  const [, , several] = buttonsOf(offer({ '/sql': 'a\u202Eb\nstays' }));
  assert.match(several?.confirm?.text.text ?? '', /sql: "a\\u\{202E\}b\\nstays"/);
});

test('a click on it is a yes to the window, and names the question as every click does', () => {
  const [approve, , several] = buttonsOf(offer({ '/sql': 'x' }));
  const click = (button: typeof several) =>
    readClick({
      type: 'block_actions',
      user: { id: 'U1', team_id: 'T1' },
      team: { id: 'T1' },
      container: { type: 'message', channel_id: 'C1', message_ts: '1.1' },
      actions: [{ action_id: button?.action_id, value: button?.value }],
    });
  assert.equal(click(several)?.kind, 'approve-window');
  assert.equal(click(approve)?.kind, 'approve');
  assert.deepEqual(click(several)?.question, click(approve)?.question);
});
