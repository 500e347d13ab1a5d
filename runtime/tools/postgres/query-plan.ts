import { DatabaseRefusal } from './database-refusal.ts';
import { readTokens } from './expression-tokens.ts';
import { findSteering, type SteeringColumn } from './steering-columns.ts';

/** A table, view or materialized view by its name in the database. */
export interface RelationName {
  readonly schema: string;
  readonly table: string;
}

/** What a plan of `EXPLAIN (VERBOSE, FORMAT JSON)` tells of a statement. */
export interface QueryPlan {
  /** Every relation that is read or written, once each. */
  readonly relations: readonly RelationName[];
  /** Names of called functions as the database writes them, without arguments; operators and folded constants do not show. */
  readonly functions: readonly string[];
  /** Operations of all ModifyTable nodes; empty for a statement that only reads. */
  readonly changes: readonly string[];
  /** True when the statement as a whole is one change. */
  readonly isChangeAtRoot: boolean;
  /** True where an output column is exactly `count(*)` of the whole statement. */
  isCount(column: number): boolean;
  /** Columns on whose values it depends which rows there are, as the plan names them. */
  steering(sql: string): readonly SteeringColumn[];
}

/** A step of a plan, with the members that are looked at. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly Plans?: readonly PlanNode[];
  readonly Output?: readonly string[];
  readonly Operation?: string;
  readonly [key: string]: unknown;
}

/** Throws {@link DatabaseRefusal} for a plan that cannot be read: what is not understood is not run. */
export function readPlan(plan: unknown): QueryPlan {
  const root = (plan as readonly { Plan?: PlanNode }[] | undefined)?.[0]?.Plan;
  if (root === undefined || typeof root['Node Type'] !== 'string') {
    throw new DatabaseRefusal('statement_invalid', 'The statement is not one that can be planned: send one SELECT.');
  }
  const relations = new Map<string, RelationName>();
  const functions = new Set<string>();
  const changes: string[] = [];
  const nodes = [root];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    if (node['Node Type'] === 'ModifyTable') changes.push(String(node.Operation));
    collect(node);
    nodes.push(...(node.Plans ?? []));
  }
  return {
    relations: [...relations.values()],
    functions: [...functions],
    changes,
    isChangeAtRoot: root['Node Type'] === 'ModifyTable',
    isCount: (column) => isCount(root, column),
    steering: (sql) => findSteering(root, sql),
  };

  /** Reads a node and the plain objects inside it (target tables, for one); child nodes are walked by the loop. */
  function collect(part: Readonly<Record<string, unknown>>): void {
    const { Schema: schema, 'Relation Name': table } = part;
    if (typeof table === 'string') relations.set(`${schema}\0${table}`, { schema: String(schema), table });
    for (const [key, value] of Object.entries(part)) {
      if (key === 'Plans' || nameKeys.has(key)) continue;
      if (key === 'Function Name') functions.add(String(value));
      else collectFrom(value);
    }
  }

  function collectFrom(value: unknown): void {
    if (typeof value === 'string') for (const name of calledFunctions(value)) functions.add(name);
    else if (Array.isArray(value)) for (const item of value) collectFrom(item);
    else if (typeof value === 'object' && value !== null) collect(value as Readonly<Record<string, unknown>>);
  }
}

/** Members that hold a bare name, which may look like a call. */
const nameKeys = new Set([
  'Relation Name',
  'Schema',
  'Alias',
  'CTE Name',
  'Subplan Name',
  'Index Name',
  'Constraint Name',
]);

/** Names before an opening parenthesis in an expression that PostgreSQL itself wrote; texts and quoted names are read as such. */
function calledFunctions(expression: string): readonly string[] {
  const found: string[] = [];
  let last: string | undefined;
  for (const { kind, text } of readTokens(expression)) {
    if (text === '(' && kind === 'other' && last !== undefined) found.push(last);
    last = kind === 'name' ? text : undefined;
  }
  return found;
}

const rowKeepers = new Set(['Limit', 'Sort', 'Incremental Sort']);

/**
 * `count(*)` as the database writes it, from the root down to the node that counts; a set operation in between would mix in other
 * values, and a name cannot look like this, for it would stand in quotation marks.
 */
function isCount(root: PlanNode, column: number): boolean {
  let node: PlanNode | undefined = root;
  while (node !== undefined && rowKeepers.has(node['Node Type'])) {
    if (node.Output?.[column] !== '(count(*))' && node.Output?.[column] !== 'count(*)') return false;
    const inputs: readonly PlanNode[] = (node.Plans ?? []).filter((child) => child['Parent Relationship'] === 'Outer');
    node = inputs.length === 1 ? inputs[0] : undefined;
  }
  return node?.['Node Type'] === 'Aggregate' && node.Output?.[column] === 'count(*)';
}
