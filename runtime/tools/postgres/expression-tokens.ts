/** A word of an expression as PostgreSQL writes it in a plan. */
export interface ExpressionToken {
  readonly kind: 'name' | 'text' | 'number' | 'other';
  /** A name without its quotation marks; everything else as written. */
  readonly text: string;
  readonly isQuoted: boolean;
}

const token =
  /"((?:[^"]|"")*)"|(E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')|([a-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(\d[\w.]*)|([^\s])/gisu;

/** Reads an expression that PostgreSQL itself wrote: texts and quoted names never look like anything else. */
export function readTokens(expression: string): readonly ExpressionToken[] {
  return Array.from(expression.matchAll(token), ([, quoted, text, word, number, other]) => {
    if (quoted !== undefined) return { kind: 'name', text: quoted.replaceAll('""', '"'), isQuoted: true };
    if (word !== undefined) return { kind: 'name', text: word, isQuoted: false };
    if (text !== undefined) return { kind: 'text', text, isQuoted: false };
    if (number !== undefined) return { kind: 'number', text: number, isQuoted: false };
    return { kind: 'other', text: other ?? '', isQuoted: false };
  });
}
