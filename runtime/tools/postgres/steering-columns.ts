import { readTokens } from './expression-tokens.ts';
import { comparedConstant, expressionsOf, isPlainKey, mayRename } from './plan-expressions.ts';
import { type Mentions, mentionsIn } from './plan-mentions.ts';
import type { PlanNode } from './query-plan.ts';

/** A column by its name in the database; `null` is any column of the table. */
export interface SteeringColumn {
  readonly schema: string;
  readonly table: string;
  readonly column: string | null;
}

/**
 * Columns on whose values it depends which rows a statement returns, how many, or what stands beside what: `JOIN lookup ON lookup.id =
 * ascii(ssn)` reads a social security number out of columns that nobody masks. Not counted: equality of a column with one constant (one
 * guess a statement), and plain sorting and grouping by it. Where a plan does not print an expression, everything that it may hold counts.
 * `sql` is the statement.
 */
export function findSteering(root: PlanNode, sql: string): readonly SteeringColumn[] {
  return new Steering(root, sql).find();
}

const setOperations = new Set(['Append', 'Merge Append', 'SetOp']);
/** They stand between a set operation and the result and add no column. */
const rowKeepers = new Set(['Limit', 'Sort', 'Incremental Sort', 'Unique', 'Gather', 'Gather Merge']);
/** Their expressions are not in the plan: row counts of LIMIT, rows of VALUES. */
const silent = new Set(['Limit', 'Values Scan']);

class Steering {
  readonly #root: PlanNode;
  readonly #sql: string;
  readonly #nodes: PlanNode[] = [];
  readonly #aliases = new Map<string, PlanNode>();
  readonly #subplans = new Map<string, PlanNode[]>();
  /** Columns in what a node returns. */
  readonly #outputs = new Map<PlanNode, Map<string, SteeringColumn>>();
  readonly #renames = new Map<string, boolean>();
  readonly #found = new Map<string, SteeringColumn>();
  /** Constants by the column that is compared with them. */
  readonly #guesses = new Map<string, { readonly column: SteeringColumn; readonly constants: Set<string> }>();
  /** Columns of partitions, or of the arms of a UNION, that a plan prints under the first one's name. */
  readonly #twins = new Map<string, SteeringColumn[]>();

  constructor(root: PlanNode, sql: string) {
    this.#root = root;
    this.#sql = sql;
    const waiting = [root];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      this.#nodes.push(node);
      if (typeof node.Alias === 'string') this.#aliases.set(node.Alias, node);
      const name = node['Subplan Name'];
      if (typeof name === 'string') {
        // Before PostgreSQL 17: `InitPlan 1 (returns $0)`.
        const key = name.replace(/ \(returns .*$/, '');
        this.#subplans.set(key, [...(this.#subplans.get(key) ?? []), node]);
      }
      waiting.push(...(node.Plans ?? []));
    }
    this.#readOutputs();
  }

  find(): readonly SteeringColumn[] {
    this.#readSetOperations();
    const used = new Set<string>();
    for (const node of this.#nodes) {
      for (const { subplans } of (node.Output ?? []).map((text) => this.#mentions(text))) {
        for (const name of subplans) used.add(name);
      }
      for (const [text, isKey] of expressionsOf(node)) {
        const mentions = this.#mentions(text, isKey || node['Node Type'] !== 'ProjectSet');
        for (const name of mentions.subplans) used.add(name);
        // Behind a subquery a plain name may be a computed value.
        const isStored = mentions.columns.every(({ alias }) => this.#baseOf(alias) !== undefined);
        if (!(isKey && isPlainKey(text) && isStored)) this.#steer(text, mentions);
      }
      if (node['Node Type'] === 'Foreign Scan' || node['Node Type'] === 'Custom Scan') this.#addAll();
      if (node['Node Type'] === 'Nested Loop') this.#readLateral(node);
    }
    // Whose answer is used where the plan does not say, as in LIMIT (SELECT ...).
    for (const [name, plans] of this.#subplans) {
      if (!used.has(name) && !name.startsWith('CTE ')) for (const plan of plans) this.#addSubplan(plan);
    }
    for (const { column, constants } of this.#guesses.values()) if (constants.size > 1) this.#add(column);
    return [...this.#found.values()];
  }

  /** A condition: every column in it, but for one compared with one constant. */
  #steer(text: string, { columns, subplans, isUnderstood }: Mentions): void {
    if (!isUnderstood) this.#addAll();
    const tokens = readTokens(text);
    for (const { alias, column, at } of columns) {
      const isNamed = this.#baseOf(alias) !== undefined && !this.#mayRename(alias);
      const constant = isNamed ? comparedConstant(tokens, at) : undefined;
      for (const source of this.#sourcesOf(alias, column)) {
        if (constant === undefined) this.#add(source);
        else this.#guess(source, constant);
      }
    }
    for (const name of subplans) for (const plan of this.#subplans.get(name) ?? []) this.#addSubplan(plan);
  }

  #addSubplan(plan: PlanNode): void {
    for (const column of this.#outputColumns(plan)) this.#add(column);
    // A correlated LIMIT or VALUES may hold any column of what is around it.
    if (hasSilent(plan)) this.#addAll();
  }

  /** What the outer side gives to an inner side that does not print its expressions. */
  #readLateral(node: PlanNode): void {
    const inner = node.Plans?.filter((child) => child['Parent Relationship'] === 'Inner') ?? [];
    if (!inner.some(hasSilent)) return;
    for (const outer of node.Plans?.filter((child) => child['Parent Relationship'] === 'Outer') ?? []) {
      for (const column of this.#outputColumns(outer)) this.#add(column);
    }
  }

  /** Above a set operation the plan prints the first arm's expressions for all of them. */
  #readSetOperations(): void {
    const hidden: PlanNode[] = [];
    for (const node of this.#nodes) {
      if (!setOperations.has(node['Node Type'])) continue;
      const arms = (node.Plans ?? []).filter((child) => child['Parent Relationship'] !== 'InitPlan');
      const rows = arms.map(({ Output }) => Output?.map((text) => this.#plainColumn(text)));
      const width = rows[0]?.length;
      if (rows.every((row) => row?.length === width && row?.every((column) => column !== undefined))) {
        for (let position = 0; position < (width ?? 0); position += 1) {
          const twins = rows.flatMap((row) => row?.[position] ?? []);
          for (const column of twins) this.#link(column, twins);
        }
      } else if (!this.#isAtRoot(node)) {
        hidden.push(...arms);
      }
    }
    for (const arm of hidden) for (const column of this.#outputColumns(arm)) this.#add(column);
  }

  #isAtRoot(operation: PlanNode): boolean {
    let node: PlanNode | undefined = this.#root;
    while (node !== undefined && node !== operation) {
      // Without a call in its output an Aggregate only removes what is there twice.
      const isKeeper: boolean =
        rowKeepers.has(node['Node Type']) ||
        setOperations.has(node['Node Type']) ||
        (node['Node Type'] === 'Aggregate' && (node.Output ?? []).every((text) => !/[\w"]\(/.test(text)));
      const children: readonly PlanNode[] = (node.Plans ?? []).filter(
        (child) => child['Parent Relationship'] !== 'InitPlan',
      );
      node = isKeeper ? children.find((child) => child === operation || contains(child, operation)) : undefined;
    }
    return node === operation;
  }

  #plainColumn(text: string | undefined): SteeringColumn | undefined {
    if (text === undefined) return undefined;
    const tokens = readTokens(text);
    const [alias, dot, column] = tokens;
    if (tokens.length !== 3 || alias?.kind !== 'name' || dot?.text !== '.' || column?.kind !== 'name') return undefined;
    const base = this.#baseOf(alias.text);
    return base === undefined || this.#mayRename(alias.text) ? undefined : { ...base, column: column.text };
  }

  #baseOf(alias: string): { schema: string; table: string } | undefined {
    const node = this.#aliases.get(alias);
    const table = node?.['Relation Name'];
    return typeof table === 'string' ? { schema: String(node?.Schema), table } : undefined;
  }

  /** The columns of tables behind `alias.column`; behind a subquery, everything that it returns. */
  #sourcesOf(alias: string, column: string | null): readonly SteeringColumn[] {
    const base = this.#baseOf(alias);
    if (base !== undefined) return [{ ...base, column: this.#mayRename(alias) ? null : column }];
    const node = this.#aliases.get(alias);
    const cte = node?.['CTE Name'];
    const plans = typeof cte === 'string' ? this.#subplans.get(`CTE ${cte}`) : node?.Plans;
    return (plans ?? []).flatMap((plan) => this.#outputColumns(plan));
  }

  #outputColumns(node: PlanNode): readonly SteeringColumn[] {
    return [...(this.#outputs.get(node)?.values() ?? [])];
  }

  /** What every node returns, until nothing is added: subqueries name each other, and a recursive one itself. */
  #readOutputs(): void {
    for (let isGrowing = true; isGrowing; ) {
      isGrowing = false;
      // Children stand behind their parents.
      for (const node of this.#nodes.toReversed()) {
        const known = this.#outputs.get(node) ?? new Map<string, SteeringColumn>();
        const before = known.size;
        for (const column of this.#columnsIn(node)) known.set(keyOf(column), column);
        this.#outputs.set(node, known);
        isGrowing ||= known.size > before;
      }
    }
  }

  #columnsIn(node: PlanNode): readonly SteeringColumn[] {
    if (node.Output === undefined) return (node.Plans ?? []).flatMap((child) => this.#outputColumns(child));
    const found: SteeringColumn[] = [];
    for (const text of node.Output) {
      const { columns, subplans } = this.#mentions(text);
      for (const { alias, column } of columns) found.push(...this.#sourcesOf(alias, column));
      for (const plan of subplans.flatMap((name) => this.#subplans.get(name) ?? [])) {
        found.push(...this.#outputColumns(plan), ...(hasSilent(plan) ? this.#everything() : []));
      }
    }
    return found;
  }

  #mayRename(alias: string): boolean {
    const known = this.#renames.get(alias) ?? mayRename(this.#sql, alias);
    this.#renames.set(alias, known);
    return known;
  }

  #mentions(text: string, isQualified = false): Mentions {
    return mentionsIn(text, this.#aliases, isQualified);
  }

  #guess(column: SteeringColumn, constant: string): void {
    const key = keyOf(column);
    const known = this.#guesses.get(key) ?? { column, constants: new Set<string>() };
    known.constants.add(constant);
    this.#guesses.set(key, known);
  }

  #link(column: SteeringColumn, twins: readonly SteeringColumn[]): void {
    const key = keyOf(column);
    this.#twins.set(key, [...(this.#twins.get(key) ?? []), ...twins]);
  }

  #add(column: SteeringColumn): void {
    const key = keyOf(column);
    if (this.#found.has(key)) return;
    this.#found.set(key, column);
    for (const twin of this.#twins.get(key) ?? []) this.#add(twin);
  }

  #addAll(): void {
    for (const column of this.#everything()) this.#add(column);
  }

  #everything(): readonly SteeringColumn[] {
    return [...this.#aliases.keys()].flatMap((alias) => {
      const base = this.#baseOf(alias);
      return base === undefined ? [] : [{ ...base, column: null }];
    });
  }
}

function keyOf({ schema, table, column }: SteeringColumn): string {
  return JSON.stringify([schema, table, column]);
}

function hasSilent(node: PlanNode): boolean {
  return silent.has(node['Node Type']) || (node.Plans ?? []).some(hasSilent);
}

function contains(node: PlanNode, wanted: PlanNode): boolean {
  return node === wanted || (node.Plans ?? []).some((child) => contains(child, wanted));
}
