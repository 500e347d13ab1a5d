import type { Template } from 'aws-cdk-lib/assertions';

/**
 * Every action that policies of this package name, as the Service Authorization Reference spells it. Neither CloudFormation's validator nor
 * cfn-lint knows them, and IAM takes a misspelt one without a word.
 */
export const knownActions: ReadonlySet<string> = new Set([
  ...of('athena', 'BatchGetNamedQuery GetNamedQuery GetQueryExecution GetQueryResults GetWorkGroup ListNamedQueries'),
  ...of('athena', 'ListQueryExecutions StartQueryExecution StopQueryExecution'),
  ...of('cloudwatch', 'PutMetricData'),
  ...of('cognito-idp', 'AdminGetUser DescribeUserPoolClient ListUsers'),
  ...of('dynamodb', 'BatchGetItem DeleteItem DescribeTable GetItem PutItem Query Scan UpdateItem'),
  ...of('ecr', 'BatchCheckLayerAvailability BatchGetImage GetAuthorizationToken GetDownloadUrlForLayer'),
  ...of('glue', 'GetDatabase GetPartitions GetTable GetTables'),
  ...of('kms', 'CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey GetPublicKey ReEncrypt Sign Verify'),
  ...of('lambda', 'InvokeFunction'),
  ...of('logs', 'CreateLogDelivery CreateLogGroup CreateLogStream DeleteLogDelivery DescribeLogGroups'),
  ...of('logs', 'DescribeLogStreams DescribeResourcePolicies GetLogDelivery ListLogDeliveries PutLogEvents'),
  ...of('logs', 'PutResourcePolicy UpdateLogDelivery'),
  ...of('s3', 'AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectVersion GetBucketLocation'),
  ...of('s3', 'GetBucketObjectLockConfiguration GetObject GetObjectRetention GetObjectVersion ListBucket'),
  ...of('s3', 'ListBucketVersions ListMultipartUploadParts PutObject PutObjectRetention'),
  ...of('secretsmanager', 'DescribeSecret GetSecretValue'),
  ...of('sns', 'Publish'),
  ...of('ssm', 'GetParameter GetParameters GetParametersByPath'),
  ...of('states', 'SendTaskFailure SendTaskHeartbeat SendTaskSuccess StartExecution'),
  ...of('sts', 'AssumeRole'),
  ...of('xray', 'PutTraceSegments PutTelemetryRecords'),
]);

/** Actions that policies of the template allow or deny and that are not known; `service:*` in a denial is fine. */
export function unknownActions(template: Template): string[] {
  const unknown = statementsOf(template)
    .flatMap(({ Effect, Action }) => [Action ?? []].flat().map((action) => ({ Effect, action })))
    .filter(({ Effect, action }) => !(Effect === 'Deny' && /^[a-z0-9-]+:\*$/.test(action)) && !isKnown(action))
    .map(({ action }) => action);
  return [...new Set(unknown)].sort();
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | string[];
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Statements of all policies in the template but those of KMS keys, whose `kms:*` for the account is how IAM is let in at all. */
export function statementsOf(template: Template): Statement[] {
  const found: Statement[] = [];
  for (const { Type, Properties } of Object.values(template.toJSON().Resources as Record<string, Resource>)) {
    if (Type !== 'AWS::KMS::Key') collect(Properties, found);
  }
  return found;
}

interface Resource {
  readonly Type: string;
  readonly Properties?: unknown;
}

function collect(value: unknown, found: Statement[]): void {
  if (typeof value !== 'object' || value === null) return;
  if ('Statement' in value && Array.isArray(value.Statement)) found.push(...(value.Statement as Statement[]));
  for (const member of Object.values(value)) collect(member, found);
}

/** A star at the end is what grants of CDK write for variants of an action: `kms:GenerateDataKey*`. */
function isKnown(action: string): boolean {
  return knownActions.has(action) || (/[A-Za-z]\*$/.test(action) && knownActions.has(action.slice(0, -1)));
}

function of(service: string, names: string): string[] {
  return names.split(' ').map((name) => `${service}:${name}`);
}
