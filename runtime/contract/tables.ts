/**
 * The tables, defined once. The laptop creates them in dynalite from this list; the constructs make theirs from it too, so keys
 * cannot drift. Names are suffixes: a deployment puts its prefix in front.
 */
export interface TableDefinition {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey?: string;
  /** Seconds since the epoch. DynamoDB deletes late, so readers compare it too. */
  readonly ttlAttribute?: string;
  readonly indexes?: readonly IndexDefinition[];
}

/** A global secondary index that projects everything. All keys are strings. */
export interface IndexDefinition {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey?: string;
}

/** Servers, their versions and the catalogue's version number. */
export const catalogueTable = {
  name: 'catalogue',
  partitionKey: 'pk',
  sortKey: 'sk',
} as const satisfies TableDefinition;

/** Token buckets and windows. */
export const quotaTable = {
  name: 'quota',
  partitionKey: 'pk',
  ttlAttribute: 'expires_at',
} as const satisfies TableDefinition;

/** Approval requests and grants. */
export const grantTable = {
  name: 'grants',
  partitionKey: 'pk',
  sortKey: 'sk',
  ttlAttribute: 'expires_at',
  // Only requests that still need somebody have these attributes, so the index holds nothing else.
  indexes: [{ name: 'unsettled', partitionKey: 'unsettled_tenant', sortKey: 'unsettled_since' }],
} as const satisfies TableDefinition;

/** Everything the authorization server keeps: clients, codes, tokens, sessions, keys. */
export const authorizationTable = {
  name: 'authorization',
  partitionKey: 'pk',
  ttlAttribute: 'expires_at',
  indexes: [{ name: 'by-grant', partitionKey: 'grant_id' }],
} as const satisfies TableDefinition;

/** Statements of the root keys about the keys that sign upstream tokens, by the key's thumbprint. */
export const signingKeyTable = {
  name: 'signing-keys',
  partitionKey: 'kid',
  ttlAttribute: 'expires_at',
} as const satisfies TableDefinition;

export const tables: readonly TableDefinition[] = [
  catalogueTable,
  quotaTable,
  grantTable,
  authorizationTable,
  signingKeyTable,
];
