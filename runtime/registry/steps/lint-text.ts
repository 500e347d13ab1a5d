// Everything in a definition reaches a model and the people who approve its calls: what they cannot see they cannot judge.

/** Controls but for line feed and tab (ANSI escapes), bidi, zero-width, tag and private-use characters, variation selectors, line separators. */
const invisible = /[[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--[\n\t]]/v;

/** A Latin word with letters of a script that has Latin twins. */
const homoglyphs =
  /\p{Script=Latin}[\p{Script=Cyrillic}\p{Script=Cherokee}\p{Script=Armenian}\p{Script=Lisu}]|[\p{Script=Cyrillic}\p{Script=Cherokee}\p{Script=Armenian}\p{Script=Lisu}]\p{Script=Latin}/v;

/** What is wrong with a text that models and people will read; undefined when nothing is. */
export function textFault(text: string): string | undefined {
  if (!text.isWellFormed()) return 'has half of a surrogate pair';
  const found = invisible.exec(text);
  if (found !== null) {
    const codePoint = found[0].codePointAt(0) ?? 0;
    return `has the invisible or control character U+${codePoint.toString(16).toUpperCase().padStart(4, '0')} at ${found.index}`;
  }
  const mixed = homoglyphs.exec(text);
  if (mixed !== null) return `mixes look-alike letters of two scripts in one word at ${mixed.index}`;
  return undefined;
}

const suspicions: readonly (readonly [RegExp, string])[] = [
  [/<\s*\/?\s*(important|system|instructions?|secret|admin|assistant)\b/i, 'has a tag that speaks to a model'],
  [
    /\b(ignore|disregard|forget)\b[^.\n]{0,40}\b(previous|prior|above|earlier|all)\b/i,
    'tells a model to ignore something',
  ],
  [
    /\b(do not|don't|never|without)\b[^.\n]{0,20}\b(tell|telling|mention|inform|informing|reveal|notify)/i,
    'tells a model to hide something',
  ],
  [
    /\b(before|after|instead of|whenever)\b[^.\n]{0,30}\b(using|calling|invoking|running)\b[^.\n]{0,30}\b(tool|function|server)/i,
    'speaks of other tools',
  ],
  [
    /\b(system prompt|developer message|chain of thought|conversation history|previous messages)\b/i,
    'speaks of what a model was told',
  ],
  [/(~\/|\$HOME|\/etc\/|\.ssh|id_rsa|\.env\b|credentials? file)/i, 'names places where secrets are'],
  [/!\[[^\]]{0,200}\]\(\s*https?:/i, 'has an image that a host would fetch'],
  [/[A-Za-z0-9+/]{200}/, 'has a long run of encoded data'],
];

/** Wording that a person should look at. No proof of anything, so it never refuses. */
export function suspicionsIn(text: string): readonly string[] {
  return suspicions.filter(([pattern]) => pattern.test(text)).map(([, what]) => what);
}
