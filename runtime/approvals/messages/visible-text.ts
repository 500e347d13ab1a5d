/**
 * Everything that a person could not see, as `\u{hex}`: controls, text direction, zero width, fillers, lone surrogates, spaces that are no space.
 * An approver judges what is on the screen, so nothing may be in a text that is not there. Line feeds stay.
 */
export function visibleText(text: string): string {
  return text.replaceAll(invisible, (character) =>
    character === '\n' ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`,
  );
}

/** As {@link visibleText}, on one line. */
export function visibleLine(text: string): string {
  return visibleText(text).replaceAll('\n', '\\n');
}

/** At most `lengthMax` UTF-16 units, which is how Slack counts; an ellipsis says that more was there. Splits no character. */
export function shorten(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const kept = text.slice(0, lengthMax - 1);
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}

// Default_Ignorable_Code_Point holds the Hangul fillers, variation selectors and tags; the braille blank is a sign without dots.
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;
