/**
 * Text that may go to a terminal: controls, line and paragraph separators, bidi marks, zero-width characters, tags and other format
 * characters become `\u{…}`, so that a recorded string can neither move the cursor nor hide itself.
 */
export function printable(text: string, charsMax = 200): string {
  const shown = text.replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return shown.length <= charsMax ? shown : `${shown.slice(0, charsMax - 1)}…`;
}
