import pg from 'pg';
import type { Logger } from '../../shared/logger.ts';
import { DatabaseRefusal } from './database-refusal.ts';
import { type PortalLimits, PortalReader, type PortalResult, type WireCell } from './portal-reader.ts';

export interface DatabaseOptions {
  /** `postgres://` URL of the role that the tool runs as. */
  readonly connectionString: string;
  readonly isReadOnly: boolean;
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Bytes that one connection may send for one statement before it is cut; bounds memory against one huge row. */
  readonly receivedBytesMax: number;
  /** How long a cancelled statement may take to end before its connection is cut. @default 2000 */
  readonly cancelGraceMs?: number;
  readonly logger: Logger;
}

/** One transaction on one connection. */
export interface Transaction {
  /** Runs one statement and reads within limits. */
  run(text: string, values: readonly WireCell[], limits: PortalLimits): Promise<PortalResult>;
  /** The plan of one statement, which is not executed; `FORMAT JSON, VERBOSE`. */
  explain(text: string, values: readonly WireCell[]): Promise<unknown>;
  /** A query of our own, e.g. on the catalogue. */
  ask<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** Keeps what was done; without it everything is rolled back. */
  commit(): Promise<void>;
}

export interface Database {
  /**
   * Runs `work` in a transaction, which is rolled back at its end unless it committed. `signal` cancels the running statement on the
   * server. The connection is clean afterwards, or closed.
   */
  transact<T>(signal: AbortSignal, work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.connectionsMax,
    connectionTimeoutMillis: options.connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: options.isReadOnly ? 'toolgate-read' : 'toolgate-write',
    // Defaults of the connection, so that DISCARD ALL returns to them.
    options: startupSettings(options),
  });
  const report = (error: Error) => options.logger.warn({ err: error }, 'a database connection broke');
  // Its statement, or the next one, rejects; without a listener the process would end.
  pool.on('connect', (client) => client.on('error', report));
  pool.on('error', report);

  return {
    async transact(signal, work) {
      throwIfCancelled(signal);
      const client = await connect(pool);
      const begin = options.isReadOnly ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN';
      let isClean = false;
      const cut = cutOff(client, options.receivedBytesMax);
      const cancellation = cancelOn(signal, client, options);
      try {
        throwIfCancelled(signal);
        await client.query(begin);
        const answer = await work(transactionOn(client, cut.reset));
        isClean = true;
        return answer;
      } catch (error) {
        isClean = !cancellation.wasCut() && (error instanceof DatabaseRefusal || error instanceof pg.DatabaseError);
        if (cut.wasCut()) {
          throw new DatabaseRefusal(
            'row_too_large',
            'A row is larger than this tool reads: ask for fewer or shorter columns.',
          );
        }
        if (signal.aborted) throw cancelled();
        if (cancellation.wasCut()) throw overtime(error);
        throw error;
      } finally {
        await cancellation.settled();
        cut.end();
        await release(client, isClean && !cut.wasCut() && !cancellation.wasCut());
      }
    },
    async ping() {
      await pool.query('SELECT 1');
    },
    close: () => pool.end(),
  };
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    if (error instanceof pg.DatabaseError) throw error;
    throw new DatabaseRefusal('database_unreachable', 'The database cannot be reached right now.', { cause: error });
  }
}

function startupSettings({ isReadOnly, statementTimeoutMs }: DatabaseOptions): string {
  const settings: Readonly<Record<string, string | number>> = {
    default_transaction_read_only: isReadOnly ? 'on' : 'off',
    statement_timeout: statementTimeoutMs,
    lock_timeout: Math.min(2_000, statementTimeoutMs),
    idle_in_transaction_session_timeout: statementTimeoutMs + 5_000,
    // A table of somebody else's schema never takes the place of one that was meant.
    search_path: 'public',
    timezone: 'UTC',
    datestyle: 'ISO',
    intervalstyle: 'iso_8601',
    bytea_output: 'hex',
    standard_conforming_strings: 'on',
    client_min_messages: 'error',
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

function transactionOn(client: pg.PoolClient, resetBytes: () => void): Transaction {
  return {
    run(text, values, limits) {
      resetBytes();
      return client.query(new PortalReader(text, values, limits)).result;
    },
    async explain(text, values) {
      resetBytes();
      // The extended protocol even without values: the simple one would run a second statement after a semicolon.
      const query: pg.QueryConfig = {
        text: `EXPLAIN (VERBOSE, FORMAT JSON) ${text}`,
        values: [...values],
        queryMode: 'extended',
      } as pg.QueryConfig;
      const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(query);
      return rows[0]?.['QUERY PLAN'];
    },
    async ask<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[]) {
      resetBytes();
      return (await client.query<Row>(text, [...values])).rows;
    },
    async commit() {
      await client.query('COMMIT');
    },
  };
}

/** Gives the connection back as new: no transaction, setting, lock or prepared statement outlives a call. */
async function release(client: pg.PoolClient, isClean: boolean): Promise<void> {
  if (!isClean) {
    client.release(true);
    return;
  }
  try {
    await client.query('ROLLBACK');
    await client.query('DISCARD ALL');
    client.release();
  } catch {
    client.release(true);
  }
}

/** Cuts the connection when the server sends more than `bytesMax`: one row may have a gigabyte, and pg collects it whole. */
function cutOff(client: pg.PoolClient, bytesMax: number) {
  const { stream } = (client as unknown as { connection: pg.Connection }).connection;
  let bytes = 0;
  let wasCut = false;
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax || wasCut) return;
    wasCut = true;
    stream.destroy(new Error('more bytes than a statement may send'));
  };
  stream.on('data', count);
  return {
    reset: () => {
      bytes = 0;
    },
    wasCut: () => wasCut,
    end: () => {
      stream.off('data', count);
    },
  };
}

/** Asks the server to cancel when `signal` aborts or the time is well over; cuts the connection when it does not obey. */
function cancelOn(signal: AbortSignal, client: pg.PoolClient, options: DatabaseOptions) {
  let sent: Promise<void> | undefined;
  let graceTimer: NodeJS.Timeout | undefined;
  let wasCut = false;
  const cancel = () => {
    sent ??= sendCancel(client, options);
    graceTimer ??= setTimeout(() => {
      wasCut = true;
      streamOf(client).destroy(new Error('a cancelled statement went on'));
    }, options.cancelGraceMs ?? 2_000);
  };
  // For a server that does not keep the timeout it was given, or that is out of reach.
  const deadline = setTimeout(cancel, options.statementTimeoutMs + 500);
  signal.addEventListener('abort', cancel, { once: true });
  return {
    wasCut: () => wasCut,
    /** After it no cancel request of ours can hit the next statement of this connection. */
    settled: async () => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', cancel);
      await sent;
      clearTimeout(graceTimer);
    },
  };
}

/** PostgreSQL, "Canceling Requests in Progress": a connection of its own with the secret of the other; the server says nothing. */
function sendCancel(client: pg.PoolClient, options: DatabaseOptions): Promise<void> {
  const target = client as unknown as {
    processID: number;
    secretKey: number;
    port: number;
    host: string;
    ssl: boolean;
  };
  return new Promise((resolve) => {
    const messenger = new pg.Connection({ ssl: target.ssl } as ConstructorParameters<typeof pg.Connection>[0]);
    const wire = messenger as unknown as {
      on(event: string, listener: () => void): void;
      connect(port: number, host: string): void;
      cancel(processId: number, secretKey: number): void;
    };
    const timer = setTimeout(() => messenger.stream.destroy(), options.connectTimeoutMs);
    messenger.stream.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    wire.on('error', () => messenger.stream.destroy());
    wire.on(target.ssl ? 'sslconnect' : 'connect', () => wire.cancel(target.processID, target.secretKey));
    wire.connect(target.port, target.host);
  });
}

function streamOf(client: pg.PoolClient): pg.Connection['stream'] {
  return (client as unknown as { connection: pg.Connection }).connection.stream;
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}

/** A statement that does not look at cancel requests, such as the making of one huge text. */
function overtime(cause: unknown): DatabaseRefusal {
  return new DatabaseRefusal('statement_timeout', 'The statement took too long and was cut off: ask for less.', {
    cause,
  });
}

function cancelled(): DatabaseRefusal {
  return new DatabaseRefusal('cancelled', 'The call was cancelled.');
}
