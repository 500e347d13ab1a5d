import { type ExpressionToken, readTokens } from './expression-tokens.ts';
import type { PlanNode } from './query-plan.ts';

/** Members that are no expressions. */
const names = new Set([
  ...[
    'Node Type',
    'Parent Relationship',
    'Join Type',
    'Strategy',
    'Partial Mode',
    'Command',
    'Operation',
    'Scan Direction',
  ],
  ...[
    'Relation Name',
    'Schema',
    'Alias',
    'CTE Name',
    'Subplan Name',
    'Index Name',
    'Function Name',
    'Table Function Name',
  ],
  ...['Sampling Method', 'Cache Mode', 'Output', 'Plans'],
]);
const keys = new Set(['Sort Key', 'Presorted Key', 'Group Key', 'Grouping Sets']);

/** Every text of a node that is an expression, and whether it is a key of sorting or grouping. */
export function expressionsOf(node: PlanNode): readonly [text: string, isKey: boolean][] {
  const found: [string, boolean][] = [];
  for (const [name, member] of Object.entries(node)) if (!names.has(name)) collect(member, keys.has(name));
  // A set-returning function in the select list makes rows of a value.
  if (node['Node Type'] === 'ProjectSet') {
    for (const text of node.Output ?? []) if (text.includes('(')) found.push([text, false]);
  }
  return found;

  function collect(member: unknown, isKey: boolean): void {
    if (typeof member === 'string') found.push([member, isKey]);
    else if (Array.isArray(member)) for (const item of member) collect(item, isKey);
    else if (typeof member === 'object' && member !== null) {
      for (const item of Object.values(member)) collect(item, isKey);
    }
  }
}

/** `c.city` or `c.city DESC NULLS LAST`. */
export function isPlainKey(text: string): boolean {
  const [alias, dot, column, ...rest] = readTokens(text);
  return (
    alias?.kind === 'name' &&
    dot?.text === '.' &&
    column?.kind === 'name' &&
    /^(?:DESC|ASC)?(?:NULLS(?:FIRST|LAST))?$/.test(rest.map((token) => token.text).join(''))
  );
}

/** The constant in `(alias.column = constant)` or `((alias.column)::text = constant)`, whose alias is token `at`. */
export function comparedConstant(tokens: readonly ExpressionToken[], at: number): string | undefined {
  const after = tokens.slice(at + 3);
  const isCast =
    after
      .slice(0, 4)
      .map(({ text }) => text)
      .join(' ') === ') : : text' && tokens[at - 2]?.text === '(';
  if (tokens[at - 1]?.text !== '(') return undefined;
  const [operator, constant, ...rest] = isCast ? after.slice(4) : after;
  if (operator?.text !== '=' || (constant?.kind !== 'text' && constant?.kind !== 'number')) return undefined;
  const end = rest.findIndex(({ text }) => text === ')');
  const type = rest.slice(0, end).map(({ text }) => text);
  // Anything but a plain type, a collation for one, may make unequal values equal.
  const isPlainType = type.length === 0 || /^: : (?:[a-z]\w*)(?: [a-z]\w*)*$/.test(type.join(' '));
  return end >= 0 && isPlainType ? constant.text : undefined;
}

/**
 * Whether the statement may give a table's columns other names, `customers AS c (id, ssn, email, name)`: the plan then prints those. A list
 * of names follows its alias at once; what stands for a name or for space in other ways is taken for one.
 */
export function mayRename(sql: string, alias: string): boolean {
  // PostgreSQL cuts names after 63 bytes.
  if (/U&"/i.test(sql) || Buffer.byteLength(alias) > 60) return true;
  // The plan numbers aliases that are there twice.
  return [alias, alias.replace(/_\d+$/, '')].some((name) => {
    const written = name.replaceAll('"', '""').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return new RegExp(`(?<![\\w$\\u0080-\\uffff])${written}"?\\s*(?:\\(|--|/\\*)`, 'i').test(sql);
  });
}
