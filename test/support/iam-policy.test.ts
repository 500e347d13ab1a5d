import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callsOf } from './aws-call-recorder.ts';
import { roleOf } from './iam-policy.ts';

const table = 'arn:aws:dynamodb:us-east-1:1:table/quota';
const call = (action: string, resource = table, context = {}) => ({ action, resource, context });

test('what no statement allows is refused, and what one allows is not', () => {
  const role = roleOf([
    { Statement: { Effect: 'Allow', Action: ['dynamodb:GetItem', 'dynamodb:Put*'], Resource: `${table}*` } },
  ]);
  assert.equal(role.refusal(call('dynamodb:GetItem')), undefined);
  assert.equal(role.refusal(call('dynamodb:PutItem', `${table}-2`)), undefined);
  assert.match(role.refusal(call('dynamodb:DeleteItem')) ?? '', /allowed by no statement/);
  assert.match(
    role.refusal(call('dynamodb:GetItem', 'arn:aws:dynamodb:us-east-1:1:table/other')) ?? '',
    /no statement/,
  );
});

test('an explicit deny wins over every allow', () => {
  const role = roleOf([
    { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
    { Statement: [{ Sid: 'NoDeletes', Effect: 'Deny', Action: 's3:Delete*', Resource: '*' }] },
  ]);
  assert.equal(role.refusal(call('s3:PutObject')), undefined);
  assert.match(role.refusal(call('s3:DeleteObject')) ?? '', /denied by NoDeletes/);
});

test('a condition holds only with its key and value in the call', () => {
  const role = roleOf([
    {
      Statement: {
        Effect: 'Allow',
        Action: 's3:PutObject',
        Resource: '*',
        Condition: { StringEquals: { 's3:if-none-match': '*' } },
      },
    },
  ]);
  assert.equal(role.refusal(call('s3:PutObject', 'arn:aws:s3:::b/k', { 's3:if-none-match': '*' })), undefined);
  assert.notEqual(role.refusal(call('s3:PutObject', 'arn:aws:s3:::b/k')), undefined);
  const odd = {
    Statement: { Effect: 'Allow', Action: '*', Resource: '*', Condition: { DateLessThan: { x: 'y' } } },
  } as const;
  assert.throws(() => roleOf([odd]).refusal(call('s3:PutObject')), /DateLessThan is not known/);
});

test('a condition on the partition holds for calls about items of that partition', () => {
  const role = roleOf([
    {
      Statement: {
        Effect: 'Allow',
        Action: 'dynamodb:PutItem',
        Resource: table,
        Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['policy'] } },
      },
    },
  ]);
  const put = (partition: string) => call('dynamodb:PutItem', table, { 'dynamodb:LeadingKeys': partition });
  assert.equal(role.refusal(put('policy')), undefined);
  assert.notEqual(role.refusal(put('server')), undefined);
});

test('a condition on the attributes holds for calls that name none but these', () => {
  const role = roleOf([
    {
      Statement: {
        Effect: 'Allow',
        Action: 'dynamodb:GetItem',
        Resource: table,
        Condition: {
          'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'sk', 'state'] },
          Null: { 'dynamodb:Attributes': 'false' },
        },
      },
    },
  ]);
  const get = (context: object) => role.refusal(call('dynamodb:GetItem', table, context));
  assert.equal(get({ 'dynamodb:Attributes': ['pk', 'sk', 'state'] }), undefined);
  assert.notEqual(get({ 'dynamodb:Attributes': ['pk', 'sk', 'state', 'arguments'] }), undefined);
  assert.notEqual(get({}), undefined, 'whoever names nothing asks for everything');
});

test('a key that must not be in the call keeps out the calls that have it', () => {
  const Condition = { Null: { 'dynamodb:Attributes': 'true' } };
  const role = roleOf([{ Statement: { Effect: 'Allow', Action: '*', Resource: '*', Condition } }]);
  assert.equal(role.refusal(call('dynamodb:GetItem')), undefined);
  assert.notEqual(role.refusal(call('dynamodb:GetItem', table, { 'dynamodb:Attributes': ['pk'] })), undefined);
});

test('grants that nothing needed are listed one by one', () => {
  const role = roleOf([
    { Statement: { Effect: 'Allow', Action: ['kms:Sign', 'kms:GetPublicKey'], Resource: ['a', 'b'] } },
  ]);
  assert.equal(role.refusal(call('kms:Sign', 'a')), undefined);
  assert.deepEqual(role.unused(), [
    { action: 'kms:Sign', resource: 'b' },
    { action: 'kms:GetPublicKey', resource: 'a' },
    { action: 'kms:GetPublicKey', resource: 'b' },
  ]);
});

test('an API request is named by the permission that it needs', () => {
  const signed = (service: string, target?: string) => ({
    authorization: `AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
    ...(target !== undefined && { 'x-amz-target': target }),
  });
  const place = { region: 'us-east-1', account: '1' };
  const named = (method: string, url: string, headers: Record<string, string>, input?: object) =>
    callsOf(method, url, headers, Buffer.from(input === undefined ? '' : JSON.stringify(input)), place).map(
      ({ action, resource, context }) => [action, resource, context],
    );
  assert.deepEqual(
    named('POST', '/', signed('dynamodb', 'DynamoDB_20120810.Query'), { TableName: 'a', IndexName: 'i' }),
    [['dynamodb:Query', 'arn:aws:dynamodb:us-east-1:1:table/a/index/i', {}]],
  );
  assert.deepEqual(
    named('POST', '/', signed('dynamodb', 'DynamoDB_20120810.PutItem'), {
      TableName: 'toolgate-p-catalogue',
      Item: { pk: { S: 'policy' }, sk: { S: 'accepted' } },
    }),
    [
      [
        'dynamodb:PutItem',
        'arn:aws:dynamodb:us-east-1:1:table/toolgate-p-catalogue',
        { 'dynamodb:LeadingKeys': 'policy' },
      ],
    ],
  );
  assert.deepEqual(
    named('POST', '/', signed('dynamodb', 'DynamoDB_20120810.GetItem'), {
      TableName: 'toolgate-p-grants',
      Key: { pk: { S: 'request#1' }, sk: { S: 'request' } },
      ProjectionExpression: '#0, window.same[0], words',
      ExpressionAttributeNames: { '#0': 'state' },
    }),
    [
      [
        'dynamodb:GetItem',
        'arn:aws:dynamodb:us-east-1:1:table/toolgate-p-grants',
        {
          'dynamodb:LeadingKeys': 'request#1',
          'dynamodb:Attributes': ['pk', 'sk', 'state', 'window', 'words'],
        },
      ],
    ],
  );
  assert.deepEqual(
    named('POST', '/', signed('ssm', 'AmazonSSM.GetParametersByPath'), { Path: '/toolgate/p/servers/' }),
    [['ssm:GetParametersByPath', 'arn:aws:ssm:us-east-1:1:parameter/toolgate/p/servers', {}]],
  );
  assert.deepEqual(named('POST', '/', signed('kms', 'TrentService.Sign'), { KeyId: 'k' }), [
    ['kms:Sign', 'arn:aws:kms:us-east-1:1:key/k', {}],
  ]);
  assert.deepEqual(named('PUT', '/b/calls/x?x-id=PutObject', { ...signed('s3'), 'if-none-match': '*' }), [
    ['s3:PutObject', 'arn:aws:s3:::b/calls/x', { 's3:if-none-match': '*' }],
  ]);
  assert.deepEqual(named('GET', '/b?list-type=2&prefix=p', signed('s3')), [
    ['s3:ListBucket', 'arn:aws:s3:::b', { 's3:prefix': 'p' }],
  ]);
  assert.throws(() => named('PUT', '/b/k?retention', signed('s3')), /not known here/);
  assert.throws(() => named('POST', '/', {}), /not signed/);
});
