import { type ExpressionToken, readTokens } from './expression-tokens.ts';

/** What an expression of a plan names. */
export interface Mentions {
  readonly columns: readonly { readonly alias: string; readonly column: string | null; readonly at: number }[];
  /** Names such as `SubPlan 1`. */
  readonly subplans: readonly string[];
  readonly isUnderstood: boolean;
}

/** Reads one printed expression. `aliases` are those of the whole statement; `isQualified`: columns stand behind an alias even with one table. */
export function mentionsIn(text: string, aliases: ReadonlyMap<string, unknown>, isQualified: boolean): Mentions {
  const tokens = readTokens(text);
  const columns: Mentions['columns'][number][] = [];
  const subplans: string[] = [];
  let isUnderstood = true;
  const only = aliases.size === 1 && !isQualified ? [...aliases.keys()][0] : undefined;
  for (let at = 0; at < tokens.length; at += 1) {
    const [token, dot, member] = tokens.slice(at, at + 3) as (ExpressionToken | undefined)[];
    if (token?.kind !== 'name') continue;
    if (!token.isQuoted && (token.text === 'SubPlan' || token.text === 'InitPlan') && dot?.kind === 'number') {
      subplans.push(`${token.text} ${dot.text}`);
    } else if (dot?.text === '.' && (member?.kind === 'name' || member?.text === '*')) {
      const before = tokens[at - 1];
      if (aliases.has(token.text)) {
        columns.push({ alias: token.text, column: member.kind === 'name' ? member.text : null, at });
      } else if (tokens[at + 3]?.text !== '(' && before?.text !== ':' && before?.text !== 'COLLATE') {
        isUnderstood = false;
      }
      at += 2;
    } else if (only !== undefined && tokens[at - 1]?.text !== '.') {
      // With one table in the statement, outputs come without its name.
      columns.push({ alias: only, column: token.text, at });
    }
  }
  return { columns, subplans, isUnderstood };
}
