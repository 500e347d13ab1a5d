import { DatabaseRefusal } from './database-refusal.ts';
import type { QueryPlan } from './query-plan.ts';

/** What of the system catalogue tells the shape of the database and nothing of its rows. pg_statistic, for one, holds rows. */
const readableCatalog = new Set([
  ...['pg_attrdef', 'pg_attribute', 'pg_class', 'pg_collation', 'pg_constraint', 'pg_depend', 'pg_description'],
  ...['pg_enum', 'pg_index', 'pg_inherits', 'pg_namespace', 'pg_range', 'pg_sequence', 'pg_type'],
]);

/**
 * Functions that act, wait, read files, look into other sessions, or run a query given as text, past the plan. The roles' rights say the
 * same (harden-database.sql); this holds where an administrator could not take the rights away.
 */
const forbiddenFunction =
  /^(?:lo_\w+|lo(?:read|write)|pg_(?:advisory|try_advisory|stat|ls|read|sleep|cancel|terminate|log|notify|prepared|cursor|show|get_replication|get_wal|wal|replication|export|current_logfile|listening|mcv_list_items|lock_status|blocking_pids|switch|create|drop|promote|rotate|reload|backup|restore|clear|import|logical|sync)\w*|binary_upgrade_\w+|(?:query|table|schema|database|cursor)_to_xml\w*|set_config|setseed|nextval|setval|currval|lastval|currtid2|ts_stat|current_query|dblink\w*|crosstab\w*|connectby|xpath_table)$/;

/**
 * Throws {@link DatabaseRefusal} when a plan reads what may not be read or calls what may not be called. `mayNumber`: an INSERT calls
 * `nextval` for the numbers of new rows.
 */
export function checkPlan(plan: QueryPlan, { mayNumber = false } = {}): void {
  for (const { schema, table } of plan.relations) {
    const isSystem = /^(?:pg_|information_schema$)/.test(schema);
    if (isSystem && schema !== 'information_schema' && !readableCatalog.has(table)) {
      throw new DatabaseRefusal(
        'permission_denied',
        `The system table ${schema}.${table} may not be read here; information_schema.columns tells which columns there are.`,
      );
    }
  }
  const called = plan.functions.find((name) => forbiddenFunction.test(name) && !(mayNumber && name === 'nextval'));
  if (called !== undefined) {
    throw new DatabaseRefusal('permission_denied', `The function ${called} may not be called here.`);
  }
}
