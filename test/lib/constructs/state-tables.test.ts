import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { StateTables } from '../../../lib/constructs/state-tables.ts';
import { tables } from '../../../runtime/contract/tables.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

const tableType = 'AWS::DynamoDB::GlobalTable';

interface KeyElement {
  readonly AttributeName: string;
}

interface GlobalTable {
  readonly DeletionPolicy: string;
  readonly UpdateReplacePolicy: string;
  readonly Properties: {
    readonly TableName: string;
    readonly KeySchema: readonly KeyElement[];
    readonly AttributeDefinitions: readonly KeyElement[];
    readonly GlobalSecondaryIndexes?: readonly { readonly IndexName: string; readonly KeySchema: KeyElement[] }[];
    readonly TimeToLiveSpecification?: { readonly AttributeName: string; readonly Enabled: boolean };
    readonly Replicas: readonly Record<string, unknown>[];
  };
}

const role = (scope: cdk.Stack) =>
  new iam.Role(scope, 'Role', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });

test('there is a table for every definition, called after the platform', () => {
  const { template } = synthTemplate((stack) => void new StateTables(stack, 'Tables', { platformName: 'prod' }));
  const made = Object.values(template.findResources(tableType)) as GlobalTable[];
  assert.deepEqual(
    made.map(({ Properties }) => ({
      name: Properties.TableName,
      keys: Properties.KeySchema.map(({ AttributeName }) => AttributeName),
      ttl: Properties.TimeToLiveSpecification?.AttributeName,
      indexes: (Properties.GlobalSecondaryIndexes ?? []).map(({ IndexName, KeySchema }) => [
        IndexName,
        ...KeySchema.map(({ AttributeName }) => AttributeName),
      ]),
    })),
    tables.map(({ name, partitionKey, sortKey, ttlAttribute, indexes = [] }) => ({
      name: `toolgate-prod-${name}`,
      keys: [partitionKey, ...(sortKey === undefined ? [] : [sortKey])],
      ttl: ttlAttribute,
      indexes: indexes.map((index) => [
        index.name,
        index.partitionKey,
        ...(index.sortKey === undefined ? [] : [index.sortKey]),
      ]),
    })),
  );
});

test('every key of a table and of its indexes is a defined attribute, and no other attribute is defined', () => {
  const { template } = synthTemplate((stack) => void new StateTables(stack, 'Tables', { platformName: 'prod' }));
  for (const { Properties } of Object.values(template.findResources(tableType)) as GlobalTable[]) {
    const indexes = Properties.GlobalSecondaryIndexes ?? [];
    const used = [...Properties.KeySchema, ...indexes.flatMap(({ KeySchema }) => KeySchema)];
    assert.deepEqual(
      new Set(Properties.AttributeDefinitions.map(({ AttributeName }) => AttributeName)),
      new Set(used.map(({ AttributeName }) => AttributeName)),
      Properties.TableName,
    );
  }
});

test('the logical ids of the tables are these: a changed one is a new table, and the old one is lost to the platform', () => {
  const { template } = synthTemplate((stack) => void new StateTables(stack, 'Tables', { platformName: 'prod' }));
  const ids = Object.entries(template.findResources(tableType)).map(([id, { Properties }]) => [
    Properties.TableName,
    id,
  ]);
  const pinned: Readonly<Record<string, string>> = {
    'toolgate-prod-catalogue': 'TablesCatalogueDB479C66',
    'toolgate-prod-quota': 'TablesQuota720200F8',
    'toolgate-prod-grants': 'TablesGrantsA53A3550',
    'toolgate-prod-authorization': 'TablesAuthorizationAF8FB69F',
    'toolgate-prod-signing-keys': 'TablesSigningKeys810F4D36',
  };
  assert.deepEqual(Object.fromEntries(ids), pinned);
});

test('tables are on demand, recoverable, protected and kept', () => {
  const { template } = synthTemplate((stack) => void new StateTables(stack, 'Tables', { platformName: 'prod' }));
  template.allResources(tableType, {
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      BillingMode: 'PAY_PER_REQUEST',
      Replicas: [
        Match.objectLike({
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        }),
      ],
    },
  });
});

test('tables of a platform for development go with its stack', () => {
  const { template } = synthTemplate(
    (stack) => void new StateTables(stack, 'Tables', { platformName: 'dev', removalPolicy: cdk.RemovalPolicy.DESTROY }),
  );
  template.allResources(tableType, {
    DeletionPolicy: 'Delete',
    Properties: { Replicas: [Match.objectLike({ DeletionProtectionEnabled: false })] },
  });
});

test('a fuse limits what a second may cost', () => {
  const { template } = synthTemplate(
    (stack) =>
      void new StateTables(stack, 'Tables', {
        platformName: 'prod',
        maxWriteRequestUnits: 500,
        maxReadRequestUnits: 900,
      }),
  );
  template.allResourcesProperties(tableType, {
    WriteOnDemandThroughputSettings: { MaxWriteRequestUnits: 500 },
  });
  template.allResourcesProperties(tableType, {
    Replicas: [Match.objectLike({ ReadOnDemandThroughputSettings: { MaxReadRequestUnits: 900 } })],
  });
});

test('a fuse of nothing is refused', () => {
  assert.equal(
    synthFailure((stack) => void new StateTables(stack, 'Tables', { platformName: 'prod', maxWriteRequestUnits: 0 })),
    'Stack/Tables: maxWriteRequestUnits is 0: give a whole number of units a second from 1, or leave it out',
  );
});

test('a name that no table can be called after is refused', () => {
  for (const platformName of ['', 'Prod', '9lives', 'prod-', 'a'.repeat(33), 'p_d']) {
    assert.match(
      synthFailure((stack) => void new StateTables(stack, 'Tables', { platformName })),
      new RegExp(`^Stack/Tables: platformName is "${platformName}": give a literal of 1 to 32 lower-case`),
    );
  }
});

test('a table that does not exist is refused with the names of those that do', () => {
  assert.equal(
    synthFailure((stack) => void new StateTables(stack, 'Tables', { platformName: 'prod' }).table('quotas')),
    `Stack/Tables: there is no table "quotas": the tables are ${tables.map(({ name }) => name).join(', ')}`,
  );
});

test('each service may do to the tables what its code does, and neither gateway nor registry writes where the other does', () => {
  const allowed = (grant: (tables: StateTables, role: iam.Role) => iam.Grant) => {
    const { template, stack } = synthTemplate((scope) => {
      grant(new StateTables(scope, 'Tables', { platformName: 'prod' }), role(scope)).assertSuccess();
    });
    return statementsOf(template.findResources('AWS::IAM::Policy'), stack);
  };
  assert.deepEqual(
    allowed((state, grantee) => state.grants.gateway(grantee)),
    [
      ['TablesCatalogue', 'dynamodb:GetItem', 'dynamodb:Query'],
      ['TablesCatalogue policy', 'dynamodb:PutItem'],
      ['TablesGrants asked#* call#* request#* step-up#* window#*', 'dynamodb:PutItem'],
      ['TablesGrants asked#* request#*', 'dynamodb:GetItem'],
      ['TablesGrants call#* window#*', 'dynamodb:Query', 'dynamodb:UpdateItem'],
      ['TablesGrants questions#*', 'dynamodb:UpdateItem'],
      ['TablesGrants request#*', 'dynamodb:BatchGetItem'],
      ['TablesQuota', 'dynamodb:UpdateItem'],
      ['TablesSigningKeys', 'dynamodb:PutItem', 'dynamodb:Scan'],
    ],
  );
  assert.deepEqual(
    allowed((state, grantee) => state.grants.approvals(grantee)),
    [
      ['TablesCatalogue policy', 'dynamodb:GetItem', 'dynamodb:PutItem'],
      ['TablesGrants approver#* call#* claim#lease#* window#*', 'dynamodb:PutItem'],
      ['TablesGrants call#* window#*', 'dynamodb:GetItem', 'dynamodb:UpdateItem'],
      ['TablesGrants history#*', 'dynamodb:PutItem', 'dynamodb:Query'],
      ['TablesGrants request#*', 'dynamodb:GetItem', 'dynamodb:UpdateItem'],
      ['TablesGrants/index/unsettled', 'dynamodb:Query', 'dynamodb:Scan'],
    ],
  );
  assert.deepEqual(
    allowed((state, grantee) => state.grants.slack(grantee)),
    [
      ['TablesGrants approver#*', 'dynamodb:GetItem'],
      ['TablesGrants claim#*', 'dynamodb:PutItem'],
    ],
  );
  assert.deepEqual(
    allowed((state, grantee) => state.grants.authorization(grantee)),
    [
      ['TablesAuthorization', 'dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      ['TablesAuthorization/index/by-grant', 'dynamodb:Query'],
      ['TablesCatalogue', 'dynamodb:GetItem', 'dynamodb:Query'],
      ['TablesGrants call#* window#*', 'dynamodb:GetItem'],
      ['TablesGrants request#*', 'dynamodb:GetItem'],
      ['TablesGrants step-up#*', 'dynamodb:Query'],
    ],
  );
  assert.deepEqual(
    allowed((state, grantee) => state.grants.registry(grantee)),
    [
      ['TablesCatalogue', 'dynamodb:GetItem', 'dynamodb:Query'],
      ['TablesCatalogue claim#* content#*', 'dynamodb:DeleteItem'],
      ['TablesCatalogue claim#* content#* lease meta server', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      ['TablesSigningKeys', 'dynamodb:PutItem', 'dynamodb:Scan'],
    ],
  );
});

test('the authorization server reads how a question stands, and nothing of what was asked', () => {
  const { template } = synthTemplate((stack) => {
    new StateTables(stack, 'Tables', { platformName: 'prod' }).grants.authorization(role(stack)).assertSuccess();
  });
  const [policy] = Object.values(template.findResources('AWS::IAM::Policy')) as {
    Properties: { PolicyDocument: { Statement: Statement[] } };
  }[];
  const reads = (policy?.Properties.PolicyDocument.Statement ?? []).filter(
    ({ Action, Resource }) => Action === 'dynamodb:GetItem' && JSON.stringify(Resource).includes('TablesGrants'),
  );
  assert.equal(reads.length, 2);
  for (const { Condition } of reads) {
    const attributes = Condition?.['ForAllValues:StringEquals']?.['dynamodb:Attributes'] ?? [];
    assert.ok(attributes.includes('pk') && attributes.length > 4, 'attributes are named one by one');
    for (const secret of ['arguments', 'reason', 'approver', 'taskToken', 'windowSame']) {
      assert.ok(!attributes.includes(secret), secret);
    }
    assert.deepEqual(Condition?.Null, { 'dynamodb:Attributes': 'false' }, 'and must be named');
  }
});

test('no service reads the task tokens of the workflow by a grant of the tables', () => {
  const { template } = synthTemplate((stack) => {
    const { grants } = new StateTables(stack, 'Tables', { platformName: 'prod' });
    const grantee = role(stack);
    for (const grant of [grants.gateway(grantee), grants.approvals(grantee), grants.slack(grantee)]) {
      grant.assertSuccess();
    }
  });
  const [policy] = Object.values(template.findResources('AWS::IAM::Policy'));
  const statements: Statement[] = policy?.Properties.PolicyDocument.Statement;
  const onItems = statements.filter(({ Resource }) => nameOf(Resource) === 'TablesGrants');
  assert.ok(onItems.length > 4);
  for (const { Condition } of onItems) {
    const partitions = Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? ['*'];
    assert.deepEqual(
      [partitions].flat().filter((each) => each.startsWith('*') || each.startsWith('workflow')),
      [],
    );
  }
});

test('a key of the platform is used by the tables, and by whoever uses the tables', () => {
  const { template } = synthTemplate((stack) => {
    const encryptionKey = new kms.Key(stack, 'Key');
    new StateTables(stack, 'Tables', { platformName: 'prod', encryptionKey }).grants.gateway(role(stack));
  });
  const key = { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] };
  template.allResourcesProperties(tableType, {
    SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
    Replicas: [Match.objectLike({ SSESpecification: { KMSMasterKeyId: key } })],
  });
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Action: Match.arrayWith(['kms:Decrypt']),
          Resource: key,
        }),
      ]),
    },
  });
});

test('another app names the tables by the platform alone', () => {
  const { template } = synthTemplate((stack) => {
    const imported = StateTables.fromStateTablesAttributes(stack, 'Tables', { platformName: 'prod' });
    assert.equal(imported.tablePrefix, 'toolgate-prod-');
    imported.grants.authorization(role(stack)).assertSuccess();
  });
  assert.deepEqual(template.findResources(tableType), {});
  assert.match(JSON.stringify(template.findResources('AWS::IAM::Policy')), /:table\/toolgate-prod-authorization/);
});

/** `[table or index, ...actions]` of each statement, by the table's construct. */
function statementsOf(policies: Record<string, { Properties?: unknown }>, stack: cdk.Stack): string[][] {
  const [policy] = Object.values(policies) as { Properties: { PolicyDocument: { Statement: Statement[] } } }[];
  assert.equal(Object.keys(policies).length, 1, stack.stackName);
  return (policy?.Properties.PolicyDocument.Statement ?? [])
    .map(({ Resource, Action, Condition }) => [
      [nameOf(Resource), ...(Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? [])].join(' '),
      ...[Action].flat().sort(),
    ])
    .sort(([one = ''], [other = '']) => (one < other ? -1 : 1));
}

interface Statement {
  readonly Action: string | string[];
  readonly Resource: object;
  readonly Condition?: Record<string, Record<string, string[]>>;
}

function nameOf(resource: object): string {
  const text = JSON.stringify(resource);
  const index = /\/index\/[a-z-]+/.exec(text)?.[0] ?? '';
  return `${/"Fn::GetAtt":\["([A-Za-z]+)(?:[0-9A-F]{8})?"/.exec(text)?.[1] ?? text}${index}`;
}
