import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Json, JsonObject } from '../../contract/json.ts';
import { checkPlan } from '../postgres/allowed-plan.ts';
import { cellReader } from '../postgres/cell-values.ts';
import { findOrigins } from '../postgres/column-origins.ts';
import {
  DatabaseRefusal,
  type StatementPhase,
  toDatabaseRefusal,
  toErrorResult,
} from '../postgres/database-refusal.ts';
import { type QueryPlan, readPlan } from '../postgres/query-plan.ts';
import type { Database, Transaction } from '../postgres/run-statement.ts';
import { paramsSchema, readStatement, sqlSchema } from '../postgres/statement-arguments.ts';
import type { ServedTool } from '../served-tool.ts';
import { tableSchema } from './table-schema.ts';

export interface ReadLimits {
  /** Most rows of one answer, and what a call gets that names no `max_rows`. */
  readonly rowsMax: number;
  /** Characters of all cells of one answer together. The answer holds them twice, as structure and as text. */
  readonly cellBytesMax: number;
}

/** Rows that are fetched at once; a batch is what may be held beyond the limits. */
const batchRows = 100;

/** `postgres.readonly`: one SELECT in a read-only transaction of a role that may only read. */
export function postgresReadonly(database: Database, limits: ReadLimits): ServedTool {
  return {
    definition: {
      name: 'postgres.readonly',
      title: 'Query the business database',
      description:
        'Runs one SQL SELECT on the business database (PostgreSQL) and returns its rows with the origin of every column. Changes nothing. ' +
        'Pass values as $1, $2, ... in params. Query information_schema.columns to see tables and columns.',
      inputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: {
          sql: { ...sqlSchema, description: 'One SELECT, VALUES or WITH ... SELECT statement.' },
          params: paramsSchema,
          max_rows: {
            type: 'integer',
            minimum: 1,
            maximum: limits.rowsMax,
            description: `How many rows to return at most; ${limits.rowsMax} when absent.`,
          },
        },
        required: ['sql'],
        additionalProperties: false,
      },
      outputSchema: tableSchema,
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
      scopes: ['postgres:query:readonly'],
      version: '1.0.0',
      destructive: false,
    },
    async call(args, { signal, logger }) {
      try {
        return tableResult(await database.transact(signal, (transaction) => readTable(args, limits, transaction)));
      } catch (error) {
        const refusal = toDatabaseRefusal(error, 'running');
        logger.info({ code: refusal.code, sqlstate: refusal.sqlstate }, 'a query was not answered');
        return toErrorResult(refusal);
      }
    },
  };
}

async function readTable(args: JsonObject, limits: ReadLimits, transaction: Transaction): Promise<JsonObject> {
  const { sql, values } = readStatement(args);
  const plan = await planQuery(sql, values, transaction);
  const rowsMax = Math.min((args.max_rows as number | undefined) ?? limits.rowsMax, limits.rowsMax);
  const { fields, rows, isTruncated } = await during('running', () =>
    transaction.run(sql, values, {
      rowsMax,
      cellBytesMax: limits.cellBytesMax,
      batchRows: Math.min(batchRows, rowsMax + 1),
    }),
  );
  if (isTruncated && rows.length === 0) {
    throw new DatabaseRefusal(
      'row_too_large',
      'A row is larger than this tool returns: ask for fewer or shorter columns.',
    );
  }
  const { columns, steeredBy } = await findOrigins(sql, fields, plan, transaction);
  const readers = fields.map(({ dataTypeID }) => cellReader(dataTypeID));
  return {
    columns: columns as unknown as Json,
    rows: rows.map((row) => row.map((cell, index) => (readers[index] as (typeof readers)[number])(cell))),
    row_count: rows.length,
    steered_by: steeredBy as unknown as Json,
    truncated: isTruncated,
  };
}

/** What EXPLAIN cannot plan (COPY, DO, SET, BEGIN, a second statement) does not parse behind it, so it never runs. */
async function planQuery(
  sql: string,
  values: readonly (string | null)[],
  transaction: Transaction,
): Promise<QueryPlan> {
  const plan = readPlan(await during('planning', () => transaction.explain(sql, values)));
  if (plan.changes.length > 0) {
    throw new DatabaseRefusal('read_only', 'This tool only reads: the statement would change something.', {
      sqlstate: '25006',
    });
  }
  checkPlan(plan);
  return plan;
}

async function during<T>(phase: StatementPhase, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDatabaseRefusal(error, phase);
  }
}

/** Some hosts read the text only, others the structure only. */
function tableResult(structuredContent: JsonObject): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}
