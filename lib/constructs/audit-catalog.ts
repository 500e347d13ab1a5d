import * as cdk from 'aws-cdk-lib';
import * as athena from 'aws-cdk-lib/aws-athena';
import * as glue from 'aws-cdk-lib/aws-glue';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { type AuditQuery, auditQueries } from '../audit-queries.ts';
import { closedBucket } from './access-log-bucket.ts';
import { auditColumns } from './audit-columns.ts';
import type { IAuditTrail } from './audit-trail.ts';
import { synthError } from './synth-error.ts';

/** Athena's own minimum for a cut-off. */
const queryBytesMin = 10_000_000;

/** In the database, where queries find it. */
const tableName = 'records';

/** Records from before this day are not looked for. No platform is older. */
const firstDay = '2026-01-01';

/** What the catalogue describes, and where results go. */
export interface AuditCatalogProps {
  /** The record that is asked. */
  readonly trail: IAuditTrail;
  /** Encrypts what queries find. */
  readonly encryptionKey: kms.IKey;
  /** Where it is logged who read results. */
  readonly accessLogsBucket: s3.IBucket;
  /** What happens to the results when the stack goes. */
  readonly removalPolicy: cdk.RemovalPolicy;
  /**
   * What one query may read before Athena stops it.
   *
   * @default Size.gibibytes(10)
   */
  readonly queryBytesMax?: cdk.Size;
  /**
   * How long found rows stay.
   *
   * @default Duration.days(7)
   */
  readonly resultRetention?: cdk.Duration;
}

/** The record as one SQL table, and a workgroup in which auditors ask it. Partitions are computed, so nothing has to be crawled. */
export class AuditCatalog extends Construct {
  /** The database of the Glue catalogue. */
  readonly database: glue.Database;
  /** One row a record; a query names its tenant. */
  readonly table: glue.S3Table;
  /** Where Athena puts what queries find. */
  readonly resultsBucket: s3.Bucket;
  /** The workgroup of auditors, with a limit on what one query reads. */
  readonly workGroup: athena.CfnWorkGroup;
  /** Of the workgroup. */
  readonly workGroupName: string;
  private readonly props: AuditCatalogProps;

  constructor(scope: Construct, id: string, props: AuditCatalogProps) {
    super(scope, id);
    this.props = props;
    const { bucket } = props.trail;
    // Athena wants letters, digits and underscores, else every name is quoted.
    const name = cdk.Names.uniqueResourceName(this, { maxLength: 100, separator: '_', allowedSpecialCharacters: '_' });
    this.database = new glue.Database(this, 'Database', {
      databaseName: name.toLowerCase(),
      description: `Audit record of ${props.trail.node.path}`,
      // Definitions only: the records stay where they are.
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    this.table = new glue.S3Table(this, 'Records', {
      database: this.database,
      tableName,
      description: 'One row a record; docs/audit.md explains the columns',
      storage: glue.S3TableStorage.fromBucket(bucket),
      s3Prefix: 'calls/',
      dataFormat: new glue.DataFormat({
        inputFormat: glue.InputFormat.TEXT,
        outputFormat: glue.OutputFormat.HIVE_IGNORE_KEY_TEXT,
        serializationLibrary: glue.SerializationLibrary.OPENX_JSON,
        classificationString: glue.ClassificationString.JSON,
      }),
      columns: auditColumns.map(({ name, type, comment }) => ({ name, type: glue.Schema.custom(type), comment })),
      partitionKeys: [
        { name: 'tenant', type: glue.Schema.STRING, comment: 'tenant, or x. and the hex of its name' },
        { name: 'dt', type: glue.Schema.STRING, comment: 'day, UTC' },
        { name: 'hour', type: glue.Schema.INTEGER, comment: 'hour of the day, UTC' },
      ],
      partitionProjection: {
        // Every query must say whose records it is about, so none reads those of all tenants by accident.
        tenant: glue.PartitionProjectionConfiguration.injected(),
        dt: glue.PartitionProjectionConfiguration.date({ min: firstDay, max: 'NOW', format: 'yyyy-MM-dd' }),
        hour: glue.PartitionProjectionConfiguration.integer({ min: 0, max: 23, digits: 2 }),
      },
      parameters: {
        'storage.location.template': bucket.s3UrlForObject(
          'calls/tenant=$' + '{tenant}/dt=$' + '{dt}/hour=$' + '{hour}/',
        ),
      },
    });
    this.resultsBucket = this.addResultsBucket();
    this.workGroupName = cdk.Names.uniqueResourceName(this, { maxLength: 100, separator: '-' });
    this.workGroup = this.addWorkGroup();
    for (const query of auditQueries) this.addNamedQuery(query);
  }

  /** Lets auditors ask the record with SQL, in this workgroup only. */
  grantQuery(grantee: iam.IGrantable): iam.Grant {
    const stack = cdk.Stack.of(this);
    const arn = (service: string, resource: string, resourceName?: string) =>
      stack.formatArn({ service, resource, ...(resourceName !== undefined && { resourceName }) });
    const ask = iam.Grant.addToPrincipal({
      grantee,
      actions: [
        'athena:BatchGetNamedQuery',
        'athena:GetNamedQuery',
        'athena:GetQueryExecution',
        'athena:GetQueryResults',
        'athena:GetWorkGroup',
        'athena:ListNamedQueries',
        'athena:ListQueryExecutions',
        'athena:StartQueryExecution',
        'athena:StopQueryExecution',
      ],
      resourceArns: [arn('athena', 'workgroup', this.workGroupName)],
    });
    const look = iam.Grant.addToPrincipal({
      grantee,
      actions: ['glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable', 'glue:GetTables'],
      resourceArns: [arn('glue', 'catalog'), this.database.databaseArn, this.table.tableArn],
    });
    const results = iam.Grant.addToPrincipal({
      grantee,
      actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:PutObject'],
      resourceArns: [this.resultsBucket.arnForObjects('*')],
    });
    const place = iam.Grant.addToPrincipal({
      grantee,
      actions: ['s3:GetBucketLocation', 's3:ListBucket'],
      resourceArns: [this.resultsBucket.bucketArn],
    });
    const encrypt = iam.Grant.addToPrincipal({
      grantee,
      actions: ['kms:GenerateDataKey'],
      resourceArns: [this.props.encryptionKey.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `s3.${stack.region}.amazonaws.com` } },
    });
    return [look, results, place, encrypt, this.props.trail.grants.read(grantee)].reduce(
      (all, grant) => all.combine(grant),
      ask,
    );
  }

  private addResultsBucket(): s3.Bucket {
    const { encryptionKey, accessLogsBucket, removalPolicy, resultRetention = cdk.Duration.days(7) } = this.props;
    return new s3.Bucket(this, 'Results', {
      ...closedBucket,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey,
      bucketKeyEnabled: true,
      serverAccessLogsBucket: accessLogsBucket,
      serverAccessLogsPrefix: 'results/',
      lifecycleRules: [{ expiration: resultRetention, abortIncompleteMultipartUploadAfter: cdk.Duration.days(1) }],
      removalPolicy,
    });
  }

  private addWorkGroup(): athena.CfnWorkGroup {
    const { queryBytesMax = cdk.Size.gibibytes(10), encryptionKey } = this.props;
    if (queryBytesMax.toBytes() < queryBytesMin) {
      throw synthError(
        this.props.trail,
        `queryBytesMax is ${queryBytesMax.toBytes()} bytes: Athena takes 10 MB (${queryBytesMin} bytes) and more`,
      );
    }
    return new athena.CfnWorkGroup(this, 'WorkGroup', {
      name: this.workGroupName,
      description: `Auditors of ${this.props.trail.node.path}`,
      workGroupConfiguration: {
        // A query cannot choose another place, no encryption, or to cost more.
        enforceWorkGroupConfiguration: true,
        bytesScannedCutoffPerQuery: queryBytesMax.toBytes(),
        publishCloudWatchMetricsEnabled: true,
        requesterPaysEnabled: false,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: this.resultsBucket.s3UrlForObject('queries/'),
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: encryptionKey.keyArn },
        },
      },
    });
  }

  /** Athena asks for the values of `?`, which it takes in single quotes. */
  private addNamedQuery({ name, description, sql, parameters }: AuditQuery): void {
    const query = new athena.CfnNamedQuery(this, `Query-${name}`, {
      name,
      description: `${description}. Values: ${parameters.join(', ')}`,
      database: this.database.databaseName,
      queryString: sql.replaceAll('{table}', tableName),
      workGroup: this.workGroupName,
    });
    query.addResourceDependency(this.workGroup);
  }
}
