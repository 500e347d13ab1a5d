const none: readonly RegExpExecArray[] = Object.freeze([]);

/** All matches of a global pattern. Unlike `matchAll` it copies no pattern, which most of the time finds nothing. */
export function readMatches(pattern: RegExp, text: string): readonly RegExpExecArray[] {
  pattern.lastIndex = 0;
  let match = pattern.exec(text);
  if (match === null) return none;
  const matches: RegExpExecArray[] = [];
  for (; match !== null; match = pattern.exec(text)) matches.push(match);
  return matches;
}
