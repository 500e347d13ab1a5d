import type { CallToolResult } from '@modelcontextprotocol/server';
import pg from 'pg';
import type { JsonObject } from '../../contract/json.ts';
import { errorMetaKey } from '../../contract/refusal-codes.ts';

/** A no of the database or of a tool before it: the model reads it and corrects itself. Holds no value of a row. */
export class DatabaseRefusal extends Error {
  readonly code: string;
  readonly sqlstate: string | undefined;

  constructor(code: string, sentence: string, options?: { sqlstate?: string; cause?: unknown }) {
    super(sentence, options);
    this.name = 'DatabaseRefusal';
    this.code = code;
    this.sqlstate = options?.sqlstate;
  }
}

/** MCP server/tools § Error Handling: a result with isError, in words; the details are for programs. */
export function toErrorResult(refusal: DatabaseRefusal): CallToolResult {
  const error: JsonObject = {
    code: refusal.code,
    message: refusal.message,
    ...(refusal.sqlstate !== undefined && { sqlstate: refusal.sqlstate }),
  };
  return { isError: true, content: [{ type: 'text', text: refusal.message }], _meta: { [errorMetaKey]: error } };
}

/** `planning`: nothing was executed, so the message holds the caller's own words only. `running`: it may quote any row. */
export type StatementPhase = 'planning' | 'running';

/**
 * A sentence for what the database said. Its own message passes for class 42 (syntax, names, rights) while planning: while a statement
 * runs, even `relation "..." does not exist` quotes a row, when a text is cast to regclass.
 */
export function toDatabaseRefusal(error: unknown, phase: StatementPhase): DatabaseRefusal {
  if (error instanceof DatabaseRefusal) return error;
  const sqlstate = sqlstateOf(error);
  if (sqlstate === undefined) {
    if (!isConnectionError(error)) throw error;
    return new DatabaseRefusal('database_unreachable', 'The database cannot be reached right now.', { cause: error });
  }
  const known = sentences.find(([prefix]) => sqlstate.startsWith(prefix));
  const [, code, sentence] = known ?? ['', 'database_error', 'The database could not run this statement.'];
  const message = (error as Error).message;
  const shown = phase === 'planning' && sqlstate.startsWith('42') ? `${sentence} ${bounded(message)}` : sentence;
  return new DatabaseRefusal(code, `${shown} (SQLSTATE ${sqlstate})`, { sqlstate, cause: error });
}

// The longest prefix first. What these sentences say is all that a caller learns of an error while rows are read.
const sentences = [
  [
    '22P02',
    'value_invalid',
    'A value has the wrong form for its type. Which value is not shown, as it may come from a row.',
  ],
  [
    '22',
    'value_invalid',
    'A value is outside of what its type or function takes. Which value is not shown, as it may come from a row.',
  ],
  [
    '23',
    'constraint_violated',
    'The change breaks a constraint of the table. Which value is not shown, as it may come from a row.',
  ],
  ['25006', 'read_only', 'This tool only reads: the statement would change something.'],
  ['25', 'read_only', 'The statement does not go with the transaction that it runs in.'],
  ['26', 'statement_invalid', 'There is no such prepared statement: send one SELECT.'],
  ['40', 'try_again', 'The statement collided with another one: try again.'],
  ['42501', 'permission_denied', "This tool's database role may not do that."],
  ['42', 'statement_invalid', 'The statement is not valid.'],
  ['53300', 'database_busy', 'The database takes no more connections right now: try again.'],
  ['53', 'too_expensive', 'The statement needs more memory or disk than it may use: ask for less.'],
  ['54', 'too_complex', 'The statement is too complex for the database.'],
  ['55P03', 'try_again', 'A lock could not be had in time: try again.'],
  ['55', 'statement_invalid', 'What the statement names cannot be used like this.'],
  ['57014', 'statement_timeout', 'The statement took too long and was cancelled: ask for less.'],
  ['57P', 'database_unreachable', 'The database is shutting down or starting.'],
  ['08', 'database_unreachable', 'The connection to the database broke.'],
  ['28', 'database_unreachable', "The database does not let this tool's role in."],
  ['3D', 'database_unreachable', 'The database is not there.'],
  ['0A', 'not_supported', 'The database does not support this.'],
] as const;

/** A socket's error, or one of pg's own about its connection; anything else is a bug. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return (typeof code === 'string' && /^E[A-Z]+$/.test(code)) || /connection|timeout/i.test(error.message);
}

function sqlstateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError && /^[0-9A-Z]{5}$/.test(error.code ?? '') ? error.code : undefined;
}

/** One line, at most 300 characters. */
function bounded(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  const sentence = line.length > 300 ? `${line.slice(0, 300)}…` : line;
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}
