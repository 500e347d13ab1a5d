import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { auditQueries } from '../../../lib/audit-queries.ts';
import { AuditTrail, type AuditTrailProps } from '../../../lib/constructs/audit-trail.ts';
import { statementsOf } from '../../support/iam-actions.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

const synthTrail = (props: AuditTrailProps = {}) =>
  synthTemplate((stack) => void new AuditTrail(stack, 'Audit', props));

interface Column {
  readonly Name: string;
  readonly Type: string;
}

function tableInput() {
  const [table] = Object.values(synthTrail().template.findResources('AWS::Glue::Table'));
  return table?.Properties.TableInput;
}

test('the table has a column for every member of a record, and tenant as a partition', () => {
  const schema = JSON.parse(
    readFileSync(new URL('../../../runtime/shared/audit/audit-record.schema.json', import.meta.url), 'utf8'),
  );
  const { StorageDescriptor, PartitionKeys } = tableInput();
  const columns = (StorageDescriptor.Columns as Column[]).map(({ Name }) => Name);
  const partitions = (PartitionKeys as Column[]).map(({ Name }) => Name);
  assert.deepEqual(
    columns,
    Object.keys(schema.properties).filter((name) => name !== 'tenant'),
  );
  assert.deepEqual(partitions, ['tenant', 'dt', 'hour']);
  assert.deepEqual(
    columns.filter((name) => partitions.includes(name)),
    [],
  );
});

test('columns have the shapes that the record has', () => {
  const types = Object.fromEntries(
    (tableInput().StorageDescriptor.Columns as Column[]).map(({ Name, Type }) => [Name, Type]),
  );
  assert.equal(types.seq, 'bigint');
  assert.equal(types.http_status, 'int');
  assert.equal(types.caller, 'struct<subject:string,kind:string,roles:array<string>,scopes:array<string>>');
  assert.equal(types.latency_ms, 'map<string,double>');
  assert.equal(types.redactions, 'struct<masked_cells:bigint,pii:map<string,bigint>>');
  for (const name of ['arguments', 'response', 'detail']) assert.equal(types[name], 'string', 'any JSON, as text');
});

test('partitions are computed from the names of the objects, and a query must name a tenant', () => {
  const { Parameters, StorageDescriptor } = tableInput();
  assert.equal(Parameters['projection.enabled'], 'true');
  assert.equal(Parameters['projection.tenant.type'], 'injected');
  assert.equal(Parameters['projection.dt.type'], 'date');
  assert.equal(Parameters['projection.dt.format'], 'yyyy-MM-dd');
  assert.match(Parameters['projection.dt.range'], /^\d{4}-\d{2}-\d{2},NOW$/);
  assert.equal(Parameters['projection.hour.type'], 'integer');
  assert.equal(Parameters['projection.hour.range'], '0,23');
  assert.equal(Parameters['projection.hour.digits'], '2');
  const template = JSON.stringify(Parameters['storage.location.template']);
  assert.match(template, /"\/calls\/tenant=\$\{tenant\}\/dt=\$\{dt\}\/hour=\$\{hour\}\/"/);
  assert.match(template, /"Ref":"AuditRecords/);
  assert.equal(StorageDescriptor.SerdeInfo.SerializationLibrary, 'org.openx.data.jsonserde.JsonSerDe');
});

test('the workgroup decides where results go, how they are encrypted and what a query may read', () => {
  const { template } = synthTrail();
  template.hasResourceProperties('AWS::Athena::WorkGroup', {
    WorkGroupConfiguration: {
      EnforceWorkGroupConfiguration: true,
      BytesScannedCutoffPerQuery: 10 * 1024 ** 3,
      ResultConfiguration: {
        EncryptionConfiguration: {
          EncryptionOption: 'SSE_KMS',
          KmsKey: { 'Fn::GetAtt': [Match.stringLikeRegexp('^AuditEncryptionKey'), 'Arn'] },
        },
        OutputLocation: {
          'Fn::Join': ['', ['s3://', { Ref: Match.stringLikeRegexp('^AuditCatalogResults') }, '/queries/']],
        },
      },
    },
  });
});

test('every question of auditors is saved in the workgroup, about the table, with what its values are', () => {
  const { template } = synthTrail();
  const saved = Object.values(template.findResources('AWS::Athena::NamedQuery')).map(({ Properties }) => Properties);
  assert.deepEqual(
    saved.map(({ Name }) => Name),
    auditQueries.map(({ name }) => name),
  );
  const [workGroup] = Object.values(template.findResources('AWS::Athena::WorkGroup'));
  for (const [index, { QueryString, WorkGroup, Database, Description }] of saved.entries()) {
    assert.match(QueryString, /\bFROM records\b/);
    assert.doesNotMatch(QueryString, /[{}]/);
    assert.equal(WorkGroup, workGroup?.Properties.Name);
    assert.match(JSON.stringify(Database), /AuditCatalogDatabase/);
    const parameters = auditQueries[index]?.parameters ?? [];
    assert.equal(QueryString.split('?').length - 1, parameters.length);
    assert.ok(Description.endsWith(`Values: ${parameters.join(', ')}`), Description);
  }
});

test('a cut-off below what Athena takes is refused', () => {
  assert.equal(
    synthFailure((stack) => void new AuditTrail(stack, 'Audit', { queryBytesMax: cdk.Size.mebibytes(9) })),
    'Stack/Audit: queryBytesMax is 9437184 bytes: Athena takes 10 MB (10000000 bytes) and more',
  );
  synthTrail({ queryBytesMax: cdk.Size.mebibytes(10) }).template.hasResourceProperties('AWS::Athena::WorkGroup', {
    WorkGroupConfiguration: { BytesScannedCutoffPerQuery: 10 * 1024 ** 2 },
  });
});

test('what a query found is gone after a week', () => {
  synthTrail().template.hasResourceProperties('AWS::S3::Bucket', {
    LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 7 })] },
    LoggingConfiguration: Match.objectLike({ LogFilePrefix: 'results/' }),
  });
});

test('an auditor asks in this workgroup, reads the record, and writes results only', () => {
  const { template } = synthTemplate((stack) => {
    const role = new iam.Role(stack, 'Auditor', { assumedBy: new iam.AccountRootPrincipal() });
    new AuditTrail(stack, 'Audit').catalog.grantQuery(role).assertSuccess();
  });
  const allowed = statementsOf(template).filter(({ Effect, Principal }) => Effect === 'Allow' && !Principal);
  const puts = allowed.filter(({ Action }) => [Action].flat().includes('s3:PutObject'));
  assert.deepEqual(
    puts.map(({ Resource }) => /AuditCatalogResults|AuditRecords/.exec(JSON.stringify(Resource))?.[0]),
    ['AuditCatalogResults'],
  );
  for (const { Resource } of allowed) assert.notEqual(Resource, '*');
  assert.ok(
    allowed.every(({ Action }) =>
      [Action].flat().every((action) => !/Delete|Retention$/.test(action ?? '') || action === 's3:GetObjectRetention'),
    ),
  );
});
