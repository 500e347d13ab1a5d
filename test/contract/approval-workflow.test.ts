import assert from 'node:assert/strict';
import { test } from 'node:test';
import validateAsl from 'asl-validator';
import { approvalWorkflow, isAnotherPerson } from '../../runtime/contract/approval-workflow.ts';
import type { Json, JsonObject } from '../../runtime/contract/json.ts';
import { evaluateField, type StatesValue } from '../../runtime/local/evaluate-jsonata.ts';

const definition = approvalWorkflow({ tableName: 'toolgate-prod-grants', noticeTimeoutS: 900, noticeHeartbeatS: 60 });
const asked = {
  v: 1,
  requestId: 'r',
  tenant: 'acme',
  subject: 'user-1',
  person: 'person-1',
  expiresAtMs: 1_795_000_000_001,
  request: { pk: 'request#r', sk: 'request' },
  grant: { pk: 'call#c', sk: 'grant#g' },
};
const approver = { tenant: 'acme', subject: 'approver-1', person: 'person-2' };

const window = { pk: 'window#w', sk: 'grant#g' };

/** What an expression sees when the execution was started with `question`. */
function statesOf(input: Json, token?: string, question: Json = asked): StatesValue {
  return { input, context: { Execution: { Input: question }, ...(token !== undefined && { Task: { Token: token } }) } };
}

function state(name: string): JsonObject {
  return definition.States[name] as JsonObject;
}

/** Where a choice goes. */
async function chosen(name: string, input: Json, question: Json = asked): Promise<Json | undefined> {
  const { Choices, Default } = state(name);
  for (const { Condition, Next } of Choices as readonly { Condition: string; Next: string }[]) {
    const holds = await evaluateField(Condition, statesOf(input, undefined, question));
    assert.equal(typeof holds, 'boolean', 'Step Functions takes nothing else for a condition');
    if (holds === true) return Next;
  }
  return Default;
}

test('the workflow is valid Amazon States Language, and every state is reached', () => {
  const { isValid, errorsText } = validateAsl(definition as never);
  assert.equal(isValid, true, errorsText());
  const reached = new Set([definition.StartAt]);
  for (const text of Object.values(definition.States).map((each) => JSON.stringify(each)))
    for (const [, name = ''] of text.matchAll(/"(?:Next|Default)":"(\w+)"/g)) reached.add(name);
  assert.deepEqual([...reached].sort(), Object.keys(definition.States).sort());
});

test('the validator would see a state that leads nowhere', () => {
  const States = { ...definition.States, AwaitDecision: { ...state('AwaitDecision'), Next: 'Nowhere' } };
  assert.equal(validateAsl({ ...definition, States } as never).isValid, false);
});

test('only a whole question is asked', async () => {
  assert.equal(await chosen('CheckQuestion', asked), 'PostNotice');
  assert.equal(await chosen('CheckQuestion', { ...asked, window }), 'PostNotice');
  const broken: readonly Json[] = [
    {},
    { ...asked, v: 2 },
    { ...asked, request: {} },
    { ...asked, grant: { pk: 'call#c' } },
    { ...asked, window: {} },
    { ...asked, window: { pk: 'window#w' } },
    { ...asked, window: 'window#w' },
    { ...asked, window: null },
    { ...asked, expiresAtMs: '1795000000001' },
    { ...asked, subject: ['user-1'] },
    { ...asked, person: null },
    ...Object.keys(asked)
      .map((name) => ({ ...asked, [name]: undefined }))
      .map((each) => JSON.parse(JSON.stringify(each))),
  ];
  for (const input of broken) assert.equal(await chosen('CheckQuestion', input), 'BadQuestion', JSON.stringify(input));
});

test('a notice goes on to the decision, unless it came with one', async () => {
  assert.equal(await chosen('CheckNotice', {}), 'AwaitDecision');
  assert.equal(await chosen('CheckNotice', { verdict: 'approve' }), 'CheckAnswer');
});

test('a yes is of another person of the same tenant, and all of it is said', async () => {
  const yes = (changes: JsonObject) => ({ verdict: 'approve', approver: { ...approver, ...changes } });
  assert.equal(await chosen('CheckAnswer', yes({})), 'Approved');
  assert.equal(await chosen('CheckAnswer', { verdict: 'deny' }), 'Denied');
  assert.equal(await chosen('CheckAnswer', { ...yes({ subject: 'user-1' }), verdict: 'deny' }), 'Denied');
  const wrong: readonly Json[] = [
    yes({ subject: 'user-1' }),
    yes({ person: 'person-1' }),
    yes({ subject: 'person-1' }),
    yes({ person: 'user-1' }),
    yes({ tenant: 'globex' }),
    yes({ subject: ['user-1'] }),
    yes({ subject: null }),
    yes({ person: 7 }),
    { verdict: 'approve' },
    { verdict: 'approve', approver: {} },
    { verdict: 'approve', approver: [approver, { ...approver, subject: 'user-1' }] },
    { verdict: ['approve'], approver },
    { verdict: 'APPROVE', approver },
    { verdict: 'yes', approver },
    {},
  ];
  for (const input of wrong) assert.equal(await chosen('CheckAnswer', input), 'RevokeYes', JSON.stringify(input));
});

test('the comparison that comes to mind first lets the asker through: the input of a later state does not hold the asker', async () => {
  const own = { verdict: 'approve', approver: { ...approver, subject: 'user-1' } };
  const holds = (condition: string, input: Json) => evaluateField(`{% ${condition} %}`, statesOf(input));
  assert.equal(await holds('$not($states.input.approver.subject = $states.input.subject)', own), true);
  assert.equal(await holds(isAnotherPerson, own), false);
  // With the missing value on the other side the right place to compare with is not enough either.
  const nobody = { verdict: 'approve', approver: { tenant: 'acme', person: 'person-2' } };
  const compared = '$not($states.input.approver.subject = $states.context.Execution.Input.subject)';
  assert.equal(await holds(compared, nobody), true);
  assert.equal(await holds(isAnotherPerson, nobody), false);
  // An array is not the text in it.
  const listed = { verdict: 'approve', approver: { ...approver, subject: ['user-1'] } };
  assert.equal(await holds('$states.input.approver.subject != $states.context.Execution.Input.subject', listed), true);
  assert.equal(await holds(isAnotherPerson, listed), false);
});

test('what the store says counts when the answer was not told', async () => {
  const item = (fields: JsonObject) => ({ Item: fields });
  const approved = { state: { S: 'approved' }, approver: { S: 'approver-1' } };
  const expected: readonly (readonly [Json, string])[] = [
    [item(approved), 'Approved'],
    [item({ ...approved, approver: { S: 'user-1' } }), 'RevokeYes'],
    [item({ ...approved, approver: { S: 'person-1' } }), 'RevokeYes'],
    [item({ state: { S: 'approved' } }), 'RevokeYes'],
    [item({ ...approved, approver: { SS: ['user-1'] } }), 'RevokeYes'],
    [item({ state: { S: 'denied' } }), 'Denied'],
    [item({ state: { S: 'expired' } }), 'Expired'],
    [item({ state: { S: 'withdrawn' } }), 'Withdrawn'],
    [item({ state: { S: 'open' } }), 'OutcomeUnknown'],
    [{}, 'OutcomeUnknown'],
  ];
  for (const [input, next] of expected) assert.equal(await chosen('CheckRecord', input), next, JSON.stringify(input));
});

test('people have until the request expires, in whole seconds, and never less than one', async () => {
  const secondsUntil = (expiresAtMs: number) =>
    evaluateField(state('AwaitDecision').TimeoutSeconds, {
      input: {},
      context: { Execution: { Input: { ...asked, expiresAtMs } } },
    });
  const inAnHour = Number(await secondsUntil(Date.now() + 3_600_000));
  assert.ok(Number.isInteger(inAnHour) && inAnHour > 3590 && inAnHour <= 3600, `${inAnHour}`);
  assert.equal(await secondsUntil(Date.now() - 3_600_000), 1);
});

test('a token is asked for in an item that says whose it is, and that DynamoDB deletes a day after the request', async () => {
  for (const [name, step] of [
    ['PostNotice', 'notice'],
    ['AwaitDecision', 'decision'],
  ] as const) {
    const args = (await evaluateField(state(name).Arguments, statesOf({}, 'token-1'))) as unknown as {
      readonly Item: Readonly<Record<string, { readonly S?: string; readonly N?: string }>>;
    };
    const { asked_at_ms, ...rest } = args.Item;
    assert.ok(Math.abs(Number(asked_at_ms?.N) - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      pk: { S: 'workflow#r' },
      sk: { S: `task#${step}` },
      tenant: { S: 'acme' },
      expires_at: { N: '1795086401' },
      task_token: { S: 'token-1' },
    });
  }
});

test('what it writes beside its tokens closes the request or revokes the yes of this execution', async () => {
  const written = async (name: string) => {
    const args = (await evaluateField(state(name).Arguments, statesOf({}))) as JsonObject;
    return [args.Key, args.ConditionExpression];
  };
  const request = { pk: { S: 'request#r' }, sk: { S: 'request' } };
  assert.deepEqual(await written('ExpireQuestion'), [request, '#state = :open']);
  assert.deepEqual(await written('WithdrawQuestion'), [request, '#state = :open']);
  assert.deepEqual(await written('ReadRequest'), [request, undefined]);
  assert.deepEqual(await written('RevokeYes'), [{ pk: { S: 'call#c' }, sk: { S: 'grant#g' } }, undefined]);
});

test('a yes that is revoked is revoked as one to several calls, too, where the question offers those', async () => {
  const key = async (input: JsonObject) => {
    const args = await evaluateField(state('RevokeWindow').Arguments, statesOf({}, undefined, input));
    return (args as JsonObject).Key;
  };
  assert.equal(state('RevokeYes').Next, 'CheckWindow');
  assert.equal(await chosen('CheckWindow', {}), 'NotAnotherPerson');
  assert.equal(await chosen('CheckWindow', {}, { ...asked, window }), 'RevokeWindow');
  assert.deepEqual(await key({ ...asked, window }), { pk: { S: 'window#w' }, sk: { S: 'grant#g' } });
  assert.equal(state('RevokeWindow').Next, 'NotAnotherPerson');
});

test('every expression of the workflow is evaluated by a test of this file', () => {
  const states = Object.entries(definition.States).filter(([, each]) => JSON.stringify(each).includes('{%'));
  assert.deepEqual(states.map(([name]) => name).sort(), [
    'AwaitDecision',
    'CheckAnswer',
    'CheckNotice',
    'CheckQuestion',
    'CheckRecord',
    'CheckWindow',
    'ExpireQuestion',
    'PostNotice',
    'ReadRequest',
    'RevokeWindow',
    'RevokeYes',
    'WithdrawQuestion',
  ]);
});
