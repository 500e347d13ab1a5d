/** What was typed is no command; the message is one sentence. */
export class WrongUsage extends Error {}

/** The one directory that a command names. Throws {@link WrongUsage}. */
export function onlyDirectory(positionals: readonly string[]): string {
  const [directory, ...more] = positionals;
  if (directory === undefined || more.length > 0) throw new WrongUsage('Name one audit directory.');
  return directory;
}
