import type { CallToolResult } from '@modelcontextprotocol/server';
import type { JsonObject } from '../../contract/json.ts';
import { checkPlan } from '../postgres/allowed-plan.ts';
import { DatabaseRefusal, toDatabaseRefusal, toErrorResult } from '../postgres/database-refusal.ts';
import { readPlan } from '../postgres/query-plan.ts';
import type { Database, Transaction } from '../postgres/run-statement.ts';
import { paramsSchema, readStatement, sqlSchema } from '../postgres/statement-arguments.ts';
import type { ServedTool } from '../served-tool.ts';

/** Rows that one call may change. */
const affectedRowsCap = 10_000;
const affectedRowsDefault = 100;

/** `postgres.write`: one INSERT, UPDATE or DELETE in a transaction that is kept only when it changed no more rows than allowed. */
export function postgresWrite(database: Database): ServedTool {
  return {
    definition: {
      name: 'postgres.write',
      title: 'Change the business database',
      description:
        'Runs one SQL INSERT, UPDATE or DELETE on the business database (PostgreSQL) and returns how many rows it changed. ' +
        'Everything is rolled back when it would change more than max_affected_rows. A person must approve every call. ' +
        'Pass values as $1, $2, ... in params.',
      inputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: {
          sql: { ...sqlSchema, description: 'One INSERT, UPDATE or DELETE statement.' },
          params: paramsSchema,
          max_affected_rows: {
            type: 'integer',
            minimum: 1,
            maximum: affectedRowsCap,
            default: affectedRowsDefault,
            description: `Roll everything back when more rows than this would change; ${affectedRowsDefault} when absent.`,
          },
        },
        required: ['sql'],
        additionalProperties: false,
      },
      outputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: { rows_affected: { type: 'integer', minimum: 0 } },
        required: ['rows_affected'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
      scopes: ['postgres:query:write'],
      version: '1.0.0',
      destructive: true,
    },
    async call(args, { signal, logger }) {
      try {
        const affected = await database.transact(signal, (transaction) => change(args, signal, transaction));
        return changeResult(affected);
      } catch (error) {
        const refusal = toDatabaseRefusal(error, 'running');
        logger.info({ code: refusal.code, sqlstate: refusal.sqlstate }, 'a change was not made');
        return toErrorResult(refusal);
      }
    },
  };
}

async function change(args: JsonObject, signal: AbortSignal, transaction: Transaction): Promise<number> {
  const { sql, values } = readStatement(args);
  await checkStatement(sql, values, transaction);
  const affectedMax = (args.max_affected_rows as number | undefined) ?? affectedRowsDefault;
  // batchRows 0: what RETURNING yields is thrown away, and the statement runs to its end.
  const { affected } = await transaction.run(sql, values, { rowsMax: 0, cellBytesMax: 0, batchRows: 0 });
  if (affected === undefined)
    throw new DatabaseRefusal('database_error', 'The database did not say how many rows changed.');
  if (affected > affectedMax) {
    throw new DatabaseRefusal(
      'too_many_rows',
      `The statement would have changed ${affected} rows, more than the ${affectedMax} allowed. Nothing was changed.`,
    );
  }
  // The last moment at which a caller who left is obeyed; after it the change stands.
  if (signal.aborted) throw new DatabaseRefusal('cancelled', 'The call was cancelled. Nothing was changed.');
  try {
    await transaction.commit();
  } catch (error) {
    const refusal = toDatabaseRefusal(error, 'running');
    if (refusal.code !== 'database_unreachable') throw refusal;
    throw new DatabaseRefusal(
      'outcome_unknown',
      'The connection broke while the change was being kept: read the rows to see whether it was made.',
      { cause: error },
    );
  }
  return affected;
}

async function checkStatement(
  sql: string,
  values: readonly (string | null)[],
  transaction: Transaction,
): Promise<void> {
  let explained: unknown;
  try {
    explained = await transaction.explain(sql, values);
  } catch (error) {
    throw toDatabaseRefusal(error, 'planning');
  }
  const plan = readPlan(explained);
  const isOneChange = plan.isChangeAtRoot && plan.changes.length === 1;
  if (!isOneChange || !['Insert', 'Update', 'Delete'].includes(plan.changes[0] as string)) {
    throw new DatabaseRefusal('statement_invalid', 'This tool takes exactly one INSERT, UPDATE or DELETE.');
  }
  checkPlan(plan, { mayNumber: true });
}

function changeResult(affected: number): CallToolResult {
  const structuredContent = { rows_affected: affected };
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}
