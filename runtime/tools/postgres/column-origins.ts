import type { FieldDef } from 'pg';
import type { QueryPlan, RelationName } from './query-plan.ts';
import type { Transaction } from './run-statement.ts';
import type { SteeringColumn } from './steering-columns.ts';

/**
 * Where the values of a result column come from; masking binds to it, never to a name in the query. `column`: the very value of a
 * column of a table. `computed`: anything else, with every table that the statement touches.
 */
export type ColumnOrigin =
  | { readonly kind: 'column'; readonly schema: string; readonly table: string; readonly column: string }
  | { readonly kind: 'computed'; readonly relations: readonly RelationName[]; readonly count_only: boolean };

export interface ResultColumn {
  readonly name: string;
  /** As PostgreSQL writes it, e.g. `timestamp with time zone`. */
  readonly type: string;
  readonly origin: ColumnOrigin;
}

export interface Origins {
  readonly columns: readonly ResultColumn[];
  /** Columns of tables on whose values it depends which rows there are. */
  readonly steeredBy: readonly SteeringColumn[];
}

interface CatalogueRow {
  readonly types: readonly string[];
  readonly lineage: readonly (RelationName & { of: RelationName; is_parent: boolean })[] | null;
  readonly called: boolean;
  readonly columns:
    | readonly (RelationName & { oid: string; attnum: number; column: string; is_plain: boolean })[]
    | null;
  readonly relations: readonly RelationName[] | null;
}

/** Finds the origin of every column, from the database's catalogue in the same transaction. */
export async function findOrigins(
  sql: string,
  fields: readonly FieldDef[],
  plan: QueryPlan,
  transaction: Transaction,
): Promise<Origins> {
  const [found] = await transaction.ask<CatalogueRow & Record<string, unknown>>(catalogueQuery, [
    plan.relations.map(({ schema }) => schema),
    plan.relations.map(({ table }) => table),
    fields.map(({ tableID }) => tableID),
    fields.map(({ columnID }) => columnID),
    fields.map(({ dataTypeID }) => dataTypeID),
    plan.functions,
  ]);
  const relations = found?.relations ?? [];
  const columns = fields.map((field, index): ResultColumn => {
    const column = found?.columns?.find(
      ({ oid, attnum, is_plain }) => is_plain && Number(oid) === field.tableID && attnum === field.columnID,
    );
    return {
      name: field.name,
      type: found?.types[index] ?? 'unknown',
      origin:
        column === undefined
          ? { kind: 'computed', relations, count_only: plan.isCount(index) }
          : { kind: 'column', schema: column.schema, table: column.table, column: column.column },
    };
  });
  return { columns, steeredBy: steeredBy(sql, plan, relations, found) };
}

function steeredBy(
  sql: string,
  plan: QueryPlan,
  relations: readonly RelationName[],
  found: CatalogueRow | undefined,
): readonly SteeringColumn[] {
  // A function of the database's own may compare anything.
  if (found?.called !== false) return relations.map((relation) => ({ ...relation, column: null }));
  return plan
    .steering(sql)
    .flatMap((steering) => [
      steering,
      ...(found.lineage ?? [])
        .filter(({ schema, table }) => schema === steering.schema && table === steering.table)
        .map(({ of, is_parent }) => ({ ...of, column: is_parent ? steering.column : null })),
    ]);
}

// One round trip. `lineage` leads from each relation to the ones whose rows it shows: parents of a partition or an inheriting table, and
// for views and materialized views what their queries read (their rules' dependencies). A column counts as itself only in a relation
// without lineage. A function outside pg_catalog that this role may call could read anything unseen, so then every readable table counts.
const catalogueQuery = `
WITH RECURSIVE wanted (oid) AS (
  SELECT class.oid
  FROM unnest($1::text[], $2::text[]) AS named (schema, name)
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.nspname = named.schema
  JOIN pg_catalog.pg_class AS class ON class.relnamespace = namespace.oid AND class.relname = named.name
  UNION
  SELECT tables.oid FROM unnest($3::oid[]) AS tables (oid) WHERE tables.oid <> 0
), lineage (root, oid, is_parent) AS (
  SELECT oid, oid, true FROM wanted
  UNION
  SELECT lineage.root, source.oid, lineage.is_parent AND source.is_parent
  FROM lineage
  CROSS JOIN LATERAL (
    SELECT inhparent AS oid, true AS is_parent FROM pg_catalog.pg_inherits WHERE inhrelid = lineage.oid
    UNION ALL
    SELECT depend.refobjid, false
    FROM pg_catalog.pg_rewrite AS rule
    JOIN pg_catalog.pg_depend AS depend
      ON depend.classid = 'pg_catalog.pg_rewrite'::regclass AND depend.objid = rule.oid
      AND depend.refclassid = 'pg_catalog.pg_class'::regclass
    WHERE rule.ev_class = lineage.oid AND depend.refobjid <> lineage.oid
  ) AS source
), hidden (is_possible, is_called) AS (
  SELECT count(*) > 0, count(*) FILTER (WHERE proc.proname = ANY ($6::text[])) > 0
  FROM pg_catalog.pg_proc AS proc
  WHERE proc.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    AND pg_catalog.has_function_privilege(proc.oid, 'EXECUTE')
), touched (oid) AS (
  SELECT oid FROM lineage
  UNION
  SELECT class.oid FROM pg_catalog.pg_class AS class, hidden
  WHERE hidden.is_possible AND class.relkind IN ('r', 'p', 'f', 'm', 'v')
    AND class.relnamespace <> 'pg_catalog'::regnamespace AND class.relnamespace <> 'information_schema'::regnamespace
)
SELECT
  (SELECT array_agg(pg_catalog.format_type(type.oid, NULL) ORDER BY type.position)
   FROM unnest($5::oid[]) WITH ORDINALITY AS type (oid, position)) AS types,
  (SELECT is_called FROM hidden) AS called,
  (SELECT json_agg(json_build_object(
     'schema', namespace.nspname, 'table', class.relname, 'is_parent', lineage.is_parent,
     'of', json_build_object('schema', home.nspname, 'table', source.relname)))
   FROM lineage
   JOIN pg_catalog.pg_class AS class ON class.oid = lineage.root
   JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
   JOIN pg_catalog.pg_class AS source ON source.oid = lineage.oid
   JOIN pg_catalog.pg_namespace AS home ON home.oid = source.relnamespace
   WHERE lineage.root <> lineage.oid) AS lineage,
  (SELECT json_agg(json_build_object('schema', namespace.nspname, 'table', class.relname) ORDER BY namespace.nspname, class.relname)
   FROM touched
   JOIN pg_catalog.pg_class AS class USING (oid)
   JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace) AS relations,
  (SELECT json_agg(json_build_object(
     'oid', attribute.attrelid::text, 'attnum', attribute.attnum, 'schema', namespace.nspname, 'table', class.relname,
     'column', attribute.attname,
     'is_plain', class.relkind IN ('r', 'p', 'f') AND attribute.attnum > 0 AND NOT EXISTS (
       SELECT FROM lineage WHERE lineage.root = class.oid AND lineage.oid <> class.oid)))
   FROM (SELECT DISTINCT * FROM unnest($3::oid[], $4::int[]) AS field (oid, attnum)) AS field
   JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = field.oid AND attribute.attnum = field.attnum
   JOIN pg_catalog.pg_class AS class ON class.oid = field.oid
   JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace) AS columns`;
