/** Request headers with lower-case names, read once from the raw list so that a repeated one is seen. */
export interface RequestHeaders {
  /** First value of each; null prototype. */
  readonly values: Readonly<Record<string, string | undefined>>;
  /** Names that came more than once. */
  readonly repeated: ReadonlySet<string>;
}

const none: ReadonlySet<string> = new Set();

export function readHeaders(raw: readonly string[]): RequestHeaders {
  const values: Record<string, string | undefined> = Object.create(null);
  let repeated: Set<string> | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    if (values[name] === undefined) values[name] = raw[i + 1] as string;
    else {
      repeated ??= new Set();
      repeated.add(name);
    }
  }
  return { values, repeated: repeated ?? none };
}
