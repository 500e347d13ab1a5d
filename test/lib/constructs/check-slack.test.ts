import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { checkSlack } from '../../../lib/constructs/check-slack.ts';
import type { SlackConnection } from '../../../lib/constructs/slack-connection.ts';
import { synthFailure } from '../../support/synth.ts';

const grace = { email: 'grace@example.com', tenant: 'acme', subject: 'g' };

/** The sentence for a connection that is right but for `wrong`. */
function refusal(wrong: (secret: secretsmanager.ISecret) => Partial<SlackConnection>): string {
  return synthFailure((stack) => {
    const secret = secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'slack');
    checkSlack(stack, {
      botToken: secret,
      signingSecret: secret,
      channels: { acme: 'C0123456789' },
      ...wrong(secret),
    });
  });
}

test('null in place of Slack is a sentence, too', () => {
  const sentence = synthFailure((stack) => checkSlack(stack, null as never));
  assert.match(sentence, /^Stack: slack\.botToken is undefined, and it is required/);
});

const token = cdk.Token.asString({ Ref: 'Channel' });

const refusals: readonly (readonly [
  what: string,
  wrong: (secret: secretsmanager.ISecret) => Partial<SlackConnection>,
  sentence: RegExp,
])[] = [
  [
    'no bot token',
    () => ({ botToken: undefined as never }),
    /^Stack: slack\.botToken is undefined, and it is required/,
  ],
  ['no channels', () => ({ channels: undefined as never }), /^Stack: slack\.channels is undefined, and it is required/],
  [
    'neither way for clicks',
    () => ({ signingSecret: undefined }),
    /slack has neither signingSecret nor appToken: give signingSecret when/,
  ],
  [
    'two ways for clicks',
    (secret) => ({ appToken: secret }),
    /slack has signingSecret and appToken: give signingSecret when/,
  ],
  [
    'a token itself',
    () => ({ botToken: 'xoxb-1' as never }),
    /slack\.botToken is no secret of Secrets Manager but a string: give e\.g\.(?!.*xoxb)/,
  ],
  [
    'null for a secret',
    () => ({ signingSecret: null as never }),
    /slack\.signingSecret is no secret of Secrets Manager but null: give/,
  ],
  ['an approver that is missing', () => ({ approvers: [undefined as never] }), /slack\.approvers\[0\] is undefined/],
  ['nobody is asked', () => ({ channels: {} }), /slack\.channels is empty: say in which channel people approve/],
  [
    'a name of a channel',
    () => ({ channels: { acme: '#approvals' } }),
    /slack\.channels\.acme is "#approvals": give the id of a channel/,
  ],
  [
    'a channel that only the deployment knows',
    () => ({ channels: { acme: token } }),
    /slack\.channels\.acme is a token: give the id/,
  ],
  [
    'a tenant in capitals',
    () => ({ channels: { Acme: 'C0123456789' } }),
    /slack\.channels has the tenant "Acme": give its name in lower-case/,
  ],
  [
    'further for a tenant that is not asked',
    () => ({ escalationChannels: { globex: 'C1' } }),
    /escalationChannels has "globex", whose questions no channel is told of/,
  ],
  [
    'an approver without a subject',
    () => ({ approvers: [{ ...grace, subject: '' }] }),
    /slack\.approvers\[0\]\.subject is "": give the sub/,
  ],
  [
    'an approver without an address',
    () => ({ approvers: [{ ...grace, email: 'grace' }] }),
    /slack\.approvers\[0\]\.email is "grace": give the address/,
  ],
  [
    'an approver of a tenant without a channel',
    () => ({ approvers: [{ ...grace, tenant: 'globex' }] }),
    /slack\.approvers\[0\]\.tenant is "globex": give one whose questions go to a channel of slack\.channels, which has acme/,
  ],
  [
    'one address twice',
    () => ({ approvers: [grace, { ...grace, email: ' GRACE@example.com' }] }),
    /slack\.approvers has grace@example\.com twice: one address is one account/,
  ],
  [
    'more approvers than a task definition holds',
    () => ({
      approvers: Array.from({ length: 600 }, (_, each) => ({ ...grace, email: `approver-${each}@example.com` })),
    }),
    /slack\.approvers has 600 people in \d+ bytes: a task definition has room for 32768/,
  ],
  ['no cards', () => ({ cardsPerAskerMax: 0 }), /slack\.cardsPerAskerMax is 0: give a whole number from 1 to 100/],
  [
    'a reminder at once',
    () => ({ remindAfter: cdk.Duration.millis(1) }),
    /slack\.remindAfter is 0\.001 seconds: give 1 second to 7 days/,
  ],
  [
    'a text for a time',
    () => ({ remindAfter: '30m' as never }),
    /^Stack: slack\.remindAfter is "30m": give a Duration, e\.g\. Duration\.hours\(1\)$/,
  ],
  ['null for a time', () => ({ escalateAfter: null as never }), /slack\.escalateAfter is null: give a Duration/],
  [
    'further before a reminder',
    () => ({ escalationChannels: { acme: 'C1' }, escalateAfter: cdk.Duration.minutes(5) }),
    /slack\.escalateAfter is 300 seconds and slack\.remindAfter 1800: remind those who were asked/,
  ],
  [
    'further to nobody',
    () => ({ escalateAfter: cdk.Duration.hours(3) }),
    /slack\.escalateAfter is given, but no escalationChannels/,
  ],
];

for (const [what, wrong, sentence] of refusals) {
  test(`Slack is refused at synth: ${what}`, () => {
    assert.match(refusal(wrong), sentence);
  });
}

test('a secret of Slack in the place of its name is refused, and the sentence does not repeat it', () => {
  const pasted = [
    'xoxb-1234567890-abcdefghij',
    'xoxe.xoxb-1-abc',
    'xapp-1-A0-1-abc',
    '0123456789abcdef0123456789ABCDEF',
  ];
  for (const prop of ['botToken', 'signingSecret']) {
    for (const given of pasted) {
      const sentence = synthFailure((stack) => {
        const named = (name: string) => secretsmanager.Secret.fromSecretNameV2(stack, `Secret${name.length}`, name);
        const right = { botToken: named('bot'), signingSecret: named('signing'), channels: { acme: 'C0123456789' } };
        checkSlack(stack, { ...right, [prop]: named(given) });
      });
      assert.equal(
        sentence,
        `Stack: slack.${prop} is named by what looks like a secret of Slack: give the name of a secret in Secrets Manager, not the secret itself`,
      );
    }
  }
});

test('Slack is taken with a socket, with a channel for all, and with people of any tenant in it', () => {
  const stack = new cdk.Stack();
  const secret = secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'slack');
  checkSlack(stack, {
    botToken: secret,
    appToken: secret,
    channels: { '*': 'C0123456789' },
    escalationChannels: { acme: 'C0000000009' },
    approvers: [grace],
  });
});
