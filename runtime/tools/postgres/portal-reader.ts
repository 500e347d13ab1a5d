import type { Connection, FieldDef, Submittable } from 'pg';

/** One value as PostgreSQL wrote it in text format; null is SQL NULL. */
export type WireCell = string | null;

export interface PortalLimits {
  /** Rows kept; one more is read to know that there are more. */
  readonly rowsMax: number;
  /** Characters of all kept cells together. */
  readonly cellBytesMax: number;
  /** `0`: rows are thrown away and the statement runs to its end. */
  readonly batchRows: number;
}

export interface PortalResult {
  readonly fields: readonly FieldDef[];
  readonly rows: readonly (readonly WireCell[])[];
  /** There was more than the limits allow. */
  readonly isTruncated: boolean;
  /** What the server counted, of a statement that ran to its end. */
  readonly affected: number | undefined;
}

interface WireConnection {
  readonly stream: Connection['stream'] & { cork(): void; uncork(): void };
  parse(query: { text: string; name: string }): void;
  bind(config: { portal: string; statement: string; values: readonly WireCell[] }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(config: { portal: string; rows: number }): void;
  flush(): void;
  sync(): void;
  sendCopyFail(message: string): void;
}

/**
 * Runs one statement through a portal of the extended protocol, which takes exactly one (PostgreSQL, "Extended Query"), and fetches rows
 * in batches, so that no more than a batch is held beyond the limits.
 */
export class PortalReader implements Submittable {
  readonly result: Promise<PortalResult>;
  #text: string;
  #values: readonly WireCell[];
  #limits: PortalLimits;
  #fields: readonly FieldDef[] = [];
  #rows: WireCell[][] = [];
  #bytes = 0;
  #isTruncated = false;
  #affected: number | undefined;
  #error: unknown;
  #settle: { resolve: (result: PortalResult) => void; reject: (error: unknown) => void };

  constructor(text: string, values: readonly WireCell[], limits: PortalLimits) {
    this.#text = text;
    this.#values = values;
    this.#limits = limits;
    const { promise, resolve, reject } = Promise.withResolvers<PortalResult>();
    this.result = promise;
    // Whoever waits sees the error; a connection that breaks first must not end the process.
    promise.catch(() => {});
    this.#settle = { resolve, reject };
  }

  submit(raw: Connection): void {
    const connection = wire(raw);
    connection.stream.cork();
    connection.parse({ text: this.#text, name: '' });
    connection.bind({ portal: '', statement: '', values: this.#values });
    connection.describe({ type: 'P', name: '' });
    this.#fetch(connection);
    connection.stream.uncork();
  }

  handleRowDescription({ fields }: { fields: readonly FieldDef[] }): void {
    this.#fields = fields;
  }

  handleDataRow({ fields: row }: { fields: WireCell[] }): void {
    if (this.#isTruncated || this.#limits.batchRows === 0) return;
    let bytes = 2;
    for (const cell of row) bytes += cell === null ? 5 : Buffer.byteLength(cell) + 3;
    if (this.#rows.length >= this.#limits.rowsMax || this.#bytes + bytes > this.#limits.cellBytesMax) {
      this.#isTruncated = true;
      return;
    }
    this.#bytes += bytes;
    this.#rows.push(row);
  }

  handlePortalSuspended(connection: Connection): void {
    if (this.#isTruncated) wire(connection).sync();
    else this.#fetch(wire(connection));
  }

  handleCommandComplete({ text }: { text: string }, connection: Connection): void {
    const count = /^[A-Z ]+?(?: \d+)? (\d+)$/.exec(text)?.[1];
    if (count !== undefined) this.#affected = Number(count);
    wire(connection).sync();
  }

  handleEmptyQuery(connection: Connection): void {
    wire(connection).sync();
  }

  handleError(error: unknown, connection: Connection): void {
    this.#error ??= error;
    this.#settle.reject(this.#error);
    // After an error the server skips everything up to a Sync.
    if (connection.stream.writable) wire(connection).sync();
  }

  handleReadyForQuery(): void {
    this.#settle.resolve({
      fields: this.#fields,
      rows: this.#rows,
      isTruncated: this.#isTruncated,
      affected: this.#affected,
    });
  }

  handleCopyInResponse(connection: Connection): void {
    wire(connection).sendCopyFail('not supported');
  }

  handleCopyData(): void {}

  #fetch(connection: WireConnection): void {
    connection.execute({ portal: '', rows: this.#limits.batchRows });
    connection.flush();
  }
}

/** The parts of pg's connection that its types leave out. */
function wire(connection: Connection): WireConnection {
  return connection as unknown as WireConnection;
}
