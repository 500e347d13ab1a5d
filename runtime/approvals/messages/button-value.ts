/** Which question a button is about, and what it showed: an answer to other arguments is no answer. */
export interface AskedQuestion {
  readonly id: string;
  /** SHA-256 (hex) of the arguments that the card is of. */
  readonly argumentsSha256: string;
}

/** Slack carries this through the click and back; it is no secret and gives no right. */
export function buttonValue({ id, argumentsSha256 }: AskedQuestion): string {
  return `v1.${id}.${argumentsSha256}`;
}

/** Undefined for everything that {@link buttonValue} did not write. */
export function readButtonValue(value: unknown): AskedQuestion | undefined {
  if (typeof value !== 'string' || value.length > 200) return undefined;
  const [, id, argumentsSha256] = /^v1\.([A-Za-z0-9_-]{1,64})\.([0-9a-f]{64})$/.exec(value) ?? [];
  return id === undefined || argumentsSha256 === undefined ? undefined : { id, argumentsSha256 };
}
