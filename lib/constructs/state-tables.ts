import * as cdk from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { Construct, type IConstruct } from 'constructs';
import { type TableDefinition, tables } from '../../runtime/contract/tables.ts';
import { checkPlatformName } from './platform-name.ts';
import { StateTablesGrants } from './state-tables-grants.ts';
import { synthError } from './synth-error.ts';

/** The tables of a platform: made here, or by another stack. */
export interface IStateTables extends IConstruct {
  /** What stands before the name of each table; the services read it as `TABLE_PREFIX`. */
  readonly tablePrefix: string;
  /** What each service may do with them. */
  readonly grants: StateTablesGrants;
  /** The key of the tables; undefined when DynamoDB owns it. */
  readonly encryptionKey?: kms.IKey;
  /** Names of all tables, without the prefix. */
  readonly names: string[];
  /** The table called `{tablePrefix}{name}`. Throws when there is none of that name. */
  table(name: string): dynamodb.ITableV2;
}

/** What the tables of a platform need to know. */
export interface StateTablesProps {
  /** Name of the platform: one of a kind in its account and region, because tables are called after it. */
  readonly platformName: string;
  /**
   * What happens to tables that are no longer in the stack. With `DESTROY` they are not protected against deletion either.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: cdk.RemovalPolicy;
  /**
   * A fuse for the bill: writes a second of each table beyond which DynamoDB throttles, and calls are refused.
   *
   * @default - no limit but the account's
   */
  readonly maxWriteRequestUnits?: number;
  /**
   * A fuse for the bill: reads a second of each table beyond which DynamoDB throttles, and calls are refused.
   *
   * @default - no limit but the account's
   */
  readonly maxReadRequestUnits?: number;
  /**
   * Encrypts the tables with a key of yours. Each table then needs KMS to answer.
   *
   * @default - a key that DynamoDB owns, which costs nothing
   */
  readonly encryptionKey?: kms.IKey;
}

/** What another stack needs to know of the tables. */
export interface StateTablesAttributes {
  /** Name of the platform, which the tables are called after. */
  readonly platformName: string;
  /**
   * The key that the tables are encrypted with.
   *
   * @default - one that DynamoDB owns
   */
  readonly encryptionKey?: kms.IKey;
}

/** What is common to tables made here and to those of another stack. */
abstract class StateTablesBase extends Construct implements IStateTables {
  abstract readonly encryptionKey?: kms.IKey;
  readonly tablePrefix: string;
  readonly names = tables.map(({ name }) => name);
  readonly grants: StateTablesGrants;
  /** @internal */
  protected readonly _byName = new Map<string, dynamodb.ITableV2>();

  constructor(scope: Construct, id: string, platformName: string) {
    super(scope, id);
    this.tablePrefix = `toolgate-${checkPlatformName(this, platformName)}-`;
    this.grants = StateTablesGrants.fromStateTables(this);
  }

  table(name: string): dynamodb.ITableV2 {
    const found = this._byName.get(name);
    if (found !== undefined) return found;
    throw synthError(this, `there is no table "${name}": the tables are ${this.names.join(', ')}`);
  }
}

/**
 * The tables of `runtime/contract/tables.ts`, which hold all state of a platform but the audit record: on demand, recoverable to any
 * second of the last 35 days, kept when the stack goes.
 */
export class StateTables extends StateTablesBase {
  /** The tables of a platform that another stack made. */
  static fromStateTablesAttributes(scope: Construct, id: string, attributes: StateTablesAttributes): IStateTables {
    return new ImportedStateTables(scope, id, attributes);
  }

  readonly encryptionKey?: kms.IKey;

  constructor(scope: Construct, id: string, props: StateTablesProps) {
    super(scope, id, props.platformName);
    checkFuse(this, 'maxWriteRequestUnits', props.maxWriteRequestUnits);
    checkFuse(this, 'maxReadRequestUnits', props.maxReadRequestUnits);
    if (props.encryptionKey !== undefined) this.encryptionKey = props.encryptionKey;
    for (const definition of tables) this._byName.set(definition.name, this.addTable(definition, props));
  }

  private addTable(definition: TableDefinition, props: StateTablesProps): dynamodb.TableV2 {
    const { removalPolicy = cdk.RemovalPolicy.RETAIN, encryptionKey } = props;
    const table = new dynamodb.TableV2(this, constructIdOf(definition.name), {
      tableName: `${this.tablePrefix}${definition.name}`,
      partitionKey: stringKey(definition.partitionKey),
      ...(definition.sortKey !== undefined && { sortKey: stringKey(definition.sortKey) }),
      ...(definition.ttlAttribute !== undefined && { timeToLiveAttribute: definition.ttlAttribute }),
      globalSecondaryIndexes: (definition.indexes ?? []).map(({ name, partitionKey, sortKey }) => ({
        indexName: name,
        partitionKey: stringKey(partitionKey),
        ...(sortKey !== undefined && { sortKey: stringKey(sortKey) }),
      })),
      billing: dynamodb.Billing.onDemand({
        ...(props.maxWriteRequestUnits !== undefined && { maxWriteRequestUnits: props.maxWriteRequestUnits }),
        ...(props.maxReadRequestUnits !== undefined && { maxReadRequestUnits: props.maxReadRequestUnits }),
      }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: removalPolicy !== cdk.RemovalPolicy.DESTROY,
      removalPolicy,
      encryption:
        encryptionKey === undefined
          ? dynamodb.TableEncryptionV2.dynamoOwnedKey()
          : dynamodb.TableEncryptionV2.awsManagedKey(),
    });
    if (encryptionKey !== undefined) {
      // The L2 takes a key of one's own only in a stack of a fixed region.
      (table.node.defaultChild as dynamodb.CfnGlobalTable).addPropertyOverride('Replicas.0.SSESpecification', {
        KMSMasterKeyId: encryptionKey.keyArn,
      });
    }
    return table;
  }
}

class ImportedStateTables extends StateTablesBase {
  readonly encryptionKey?: kms.IKey;

  constructor(scope: Construct, id: string, attributes: StateTablesAttributes) {
    super(scope, id, attributes.platformName);
    const { encryptionKey } = attributes;
    if (encryptionKey !== undefined) this.encryptionKey = encryptionKey;
    for (const { name, indexes = [] } of tables) {
      const imported = dynamodb.TableV2.fromTableAttributes(this, constructIdOf(name), {
        tableName: `${this.tablePrefix}${name}`,
        globalIndexes: indexes.map((index) => index.name),
        ...(encryptionKey !== undefined && { encryptionKey }),
      });
      this._byName.set(name, imported);
    }
  }
}

/** 'signing-keys' is 'SigningKeys' in the tree: a table that is renamed is another table. */
function constructIdOf(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function stringKey(name: string): dynamodb.Attribute {
  return { name, type: dynamodb.AttributeType.STRING };
}

function checkFuse(scope: IConstruct, prop: string, units: number | undefined): void {
  if (units === undefined || cdk.Token.isUnresolved(units) || (Number.isInteger(units) && units >= 1)) return;
  throw synthError(scope, `${prop} is ${units}: give a whole number of units a second from 1, or leave it out`);
}
