import * as iam from 'aws-cdk-lib/aws-iam';
import { stepUpGrantAttributes, stepUpPartition, stepUpRequestAttributes } from '../../runtime/contract/step-up.ts';
import {
  authorizationTable,
  catalogueTable,
  grantTable,
  quotaTable,
  signingKeyTable,
} from '../../runtime/contract/tables.ts';
import type { IStateTables } from './state-tables.ts';

/** What one statement allows on one table. */
interface TableUse {
  readonly table: string;
  readonly actions: readonly string[];
  /** Only on this index; by default only on the table itself. */
  readonly index?: string;
  /** Only on items whose partition key is one of these; `*` stands for any characters. */
  readonly partitions?: readonly string[];
  /** Of the table of grants: only these attributes and the keys, which the command must then name. */
  readonly attributes?: readonly string[];
}

/** `runtime/shared/signing-keys`: one's own statement is put, all are read. */
const signingKeyUse: TableUse = { table: signingKeyTable.name, actions: ['PutItem', 'Scan'] };

/** `runtime/shared/policy-source`: the highest policy that was accepted; servers and tools are out of reach of who has only this. */
const policyUses: readonly TableUse[] = [
  { table: catalogueTable.name, actions: ['GetItem', 'PutItem'], partitions: ['policy'] },
];

/** Exactly the commands that the gateway sends: clients of `runtime/gateway` and the shared stores that it opens. */
const gatewayUses: readonly TableUse[] = [
  { table: catalogueTable.name, actions: ['GetItem', 'Query'] },
  // The highest policy that was accepted, in `runtime/shared/policy-source`; servers and tools are out of its reach.
  { table: catalogueTable.name, actions: ['PutItem'], partitions: ['policy'] },
  // DynamoDB hands the counter back with a failed condition, so it is never read.
  { table: quotaTable.name, actions: ['UpdateItem'] },
  // Questions are opened and read here, and a yes whose grant was not stored yet is. Task tokens of the workflow are out of its reach.
  { table: grantTable.name, actions: ['GetItem'], partitions: ['asked#*', 'request#*'] },
  // Of a hundred calls that wait for people, one look.
  { table: grantTable.name, actions: ['BatchGetItem'], partitions: ['request#*'] },
  {
    table: grantTable.name,
    actions: ['PutItem'],
    partitions: ['asked#*', 'call#*', 'request#*', 'step-up#*', 'window#*'],
  },
  { table: grantTable.name, actions: ['Query', 'UpdateItem'], partitions: ['call#*', 'window#*'] },
  // How many questions one asker has opened in an hour; never read.
  { table: grantTable.name, actions: ['UpdateItem'], partitions: ['questions#*'] },
  signingKeyUse,
];

/**
 * Exactly the commands of `runtime/approvals` and the shared stores that it opens. It opens no question (`asked#`), uses no yes up, and reads task
 * tokens only by `ApprovalWorkflow.grants.answer`.
 */
const approvalsUses: readonly TableUse[] = [
  { table: grantTable.name, actions: ['GetItem', 'UpdateItem'], partitions: ['request#*'] },
  // The yes of an approved request, who signed in to the page, and which replica does what one does for all.
  { table: grantTable.name, actions: ['PutItem'], partitions: ['approver#*', 'call#*', 'claim#lease#*', 'window#*'] },
  // What became of a yes, and taking one back.
  { table: grantTable.name, actions: ['GetItem', 'UpdateItem'], partitions: ['call#*', 'window#*'] },
  // How questions ended, which later cards show.
  { table: grantTable.name, actions: ['PutItem', 'Query'], partitions: ['history#*'] },
  // What still needs somebody, of one tenant and of all.
  { table: grantTable.name, actions: ['Query', 'Scan'], index: grantTable.indexes[0].name },
  ...policyUses,
];

/** What a service with Slack needs beside them. */
const slackUses: readonly TableUse[] = [
  { table: grantTable.name, actions: ['GetItem'], partitions: ['approver#*'] },
  // Each message, reminder and line is the first of all replicas'.
  { table: grantTable.name, actions: ['PutItem'], partitions: ['claim#*'] },
];

const registryUses: readonly TableUse[] = [
  { table: catalogueTable.name, actions: ['GetItem', 'Query'] },
  // Not `policy`: whoever keeps the catalogue has no say in the rules.
  {
    table: catalogueTable.name,
    actions: ['PutItem', 'UpdateItem'],
    partitions: ['claim#*', 'content#*', 'lease', 'meta', 'server'],
  },
  { table: catalogueTable.name, actions: ['DeleteItem'], partitions: ['claim#*', 'content#*'] },
  signingKeyUse,
];

const authorizationUses: readonly TableUse[] = [
  { table: authorizationTable.name, actions: ['DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'] },
  { table: authorizationTable.name, actions: ['Query'], index: 'by-grant' },
  // Scopes of the servers, with their words.
  { table: catalogueTable.name, actions: ['GetItem', 'Query'] },
  // Who was sent there to wait for a person's yes, and how that stands. What people were asked about, the arguments, stays out of its reach.
  { table: grantTable.name, actions: ['Query'], partitions: [`${stepUpPartition}*`] },
  { table: grantTable.name, actions: ['GetItem'], partitions: ['request#*'], attributes: stepUpRequestAttributes },
  {
    table: grantTable.name,
    actions: ['GetItem'],
    partitions: ['call#*', 'window#*'],
    attributes: stepUpGrantAttributes,
  },
];

/** Lets each service do with the tables what its code does, and nothing else. */
export class StateTablesGrants {
  /** The grants of these tables. */
  static fromStateTables(tables: IStateTables): StateTablesGrants {
    return new StateTablesGrants(tables);
  }

  private readonly tables: IStateTables;

  private constructor(tables: IStateTables) {
    this.tables = tables;
  }

  /** What `runtime/gateway` does: reads the catalogue, counts calls, asks for and uses approvals, publishes keys. */
  gateway(grantee: iam.IGrantable): iam.Grant {
    return this.grantUses(grantee, gatewayUses);
  }

  /** What `runtime/authorization` does: keeps clients, codes, tokens and keys, and learns scopes from the catalogue. */
  authorization(grantee: iam.IGrantable): iam.Grant {
    return this.grantUses(grantee, authorizationUses);
  }

  /** What `runtime/approvals` does: reads and closes questions, gives yeses, notes who signed in. */
  approvals(grantee: iam.IGrantable): iam.Grant {
    return this.grantUses(grantee, approvalsUses);
  }

  /** What `runtime/approvals` does beside {@link approvals} when people answer in Slack: finds who they are, and claims messages. */
  slack(grantee: iam.IGrantable): iam.Grant {
    return this.grantUses(grantee, slackUses);
  }

  /** What `runtime/registry` does: reads and writes the catalogue, and publishes its key. */
  registry(grantee: iam.IGrantable): iam.Grant {
    return this.grantUses(grantee, registryUses);
  }

  private grantUses(grantee: iam.IGrantable, uses: readonly TableUse[]): iam.Grant {
    const key = this.tables.encryptionKey;
    const none = iam.Grant.drop(grantee, 'nothing yet');
    const grants = uses.map((use) => this.grantUse(grantee, use));
    // DynamoDB asks KMS in the caller's name. DynamoDB guide, "Using a KMS key to encrypt a table".
    if (key !== undefined) grants.push(key.grantEncryptDecrypt(grantee));
    return grants.reduce((all, grant) => all.combine(grant), none);
  }

  private grantUse(grantee: iam.IGrantable, use: TableUse): iam.Grant {
    const { table, actions, index, partitions } = use;
    const { tableArn } = this.tables.table(table);
    return iam.Grant.addToPrincipal({
      grantee,
      actions: actions.map((action) => `dynamodb:${action}`),
      resourceArns: [index === undefined ? tableArn : `${tableArn}/index/${index}`],
      ...(partitions !== undefined && { conditions: conditionsOf(use, partitions) }),
    });
  }
}

/** Amazon DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control". */
function conditionsOf({ attributes }: TableUse, partitions: readonly string[]) {
  const leading = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...partitions] } };
  if (attributes === undefined) return leading;
  const keys = [grantTable.partitionKey, grantTable.sortKey];
  return {
    ...leading,
    'ForAllValues:StringEquals': { 'dynamodb:Attributes': [...keys, ...attributes] },
    // A command that names no attributes asks for all of them.
    Null: { 'dynamodb:Attributes': 'false' },
  };
}
