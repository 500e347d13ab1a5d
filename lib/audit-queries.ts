import { approvalQueries } from './approval-queries.ts';
import { isBelieved } from './is-believed.ts';

/** A question that auditors ask of the record, as SQL that Athena (Trino) and DuckDB both take. */
export interface AuditQuery {
  /** Kebab case. */
  readonly name: string;
  readonly description: string;
  /**
   * One statement. `{table}` stands where the name of the records' table goes; each `?` is a parameter, in the order of `parameters`.
   */
  readonly sql: string;
  /**
   * What each `?` is: `tenant` is the tenant as its partition is named, `dt` a day (YYYY-MM-DD, UTC), `subject` a caller's `sub`. Every query
   * names one tenant and one day first, so that no other tenant's objects are read.
   */
  readonly parameters: readonly string[];
}

/** The named queries. `docs/audit-on-s3.md` shows what each finds. */
export const auditQueries: readonly AuditQuery[] = [
  {
    name: 'who-called-what',
    description: 'Who called which tool, how often, with which outcome',
    parameters: ['tenant', 'dt'],
    sql: `SELECT
  caller.subject AS subject,
  caller.kind AS kind,
  client.id AS client_id,
  server,
  tool,
  outcome,
  count(*) AS calls,
  min("time") AS first_call,
  max("time") AS last_call
FROM {table}
WHERE tenant = ? AND dt = ? AND event = 'mcp_call' AND method = 'tools/call'
  AND ${isBelieved}
GROUP BY caller.subject, caller.kind, client.id, server, tool, outcome
ORDER BY calls DESC, subject, server, tool, outcome`,
  },
  {
    name: 'refused-calls-by-reason',
    description: 'What was refused and why, by code, policy reasons and tool',
    parameters: ['tenant', 'dt'],
    sql: `SELECT
  code,
  policy.reasons AS policy_reasons,
  server,
  tool,
  count(*) AS refusals,
  count(DISTINCT caller.subject) AS subjects,
  min(reason) AS reason,
  max("time") AS last_refusal
FROM {table}
WHERE tenant = ? AND dt = ? AND outcome = 'refused'
  AND event IN ('mcp_call', 'http_refusal', 'registration', 'approval_decided', 'approval_revoked', 'approval_withdrawn')
  AND ${isBelieved}
GROUP BY code, policy.reasons, server, tool
ORDER BY refusals DESC, code, server, tool`,
  },
  {
    name: 'everything-one-person-touched',
    description:
      'Everything one caller did, in order, with what was asked and what came of it; what was recorded again is one',
    parameters: ['tenant', 'dt', 'subject'],
    sql: `WITH touched AS (
  SELECT
    "time",
    event,
    method,
    server,
    tool,
    outcome,
    code,
    arguments,
    response_bytes,
    redactions.masked_cells AS masked_cells,
    approval_id,
    call_id,
    writer,
    seq,
    row_number() OVER (PARTITION BY event, outcome, approval_id, call_id ORDER BY "time", seq) AS nth
  FROM {table}
  WHERE tenant = ? AND dt = ? AND caller.subject = ?
    AND ${isBelieved}
)
SELECT "time", event, method, server, tool, outcome, code, arguments, response_bytes, masked_cells, approval_id, call_id
FROM touched
WHERE nth = 1 OR event NOT LIKE 'approval_%'
ORDER BY "time", writer, seq`,
  },
  {
    name: 'calls-with-pii-masked',
    description: 'Calls whose answer had personal data that was masked, with the kinds that were found',
    parameters: ['tenant', 'dt'],
    sql: `SELECT
  "time",
  caller.subject AS subject,
  server,
  tool,
  redactions.masked_cells AS masked_cells,
  map_keys(redactions.pii) AS kinds,
  redactions.pii AS findings,
  call_id
FROM {table}
WHERE tenant = ? AND dt = ? AND event = 'mcp_call'
  AND (redactions.masked_cells > 0 OR cardinality(redactions.pii) > 0)
  AND ${isBelieved}
ORDER BY "time", call_id`,
  },
  {
    name: 'latency-by-tool',
    description: 'How long answered calls took, by tool: exact percentiles (nearest rank) in milliseconds',
    parameters: ['tenant', 'dt'],
    sql: `WITH answered AS (
  SELECT
    server,
    tool,
    latency_ms['total'] AS total_ms,
    cume_dist() OVER (PARTITION BY server, tool ORDER BY latency_ms['total']) AS share
  FROM {table}
  WHERE tenant = ? AND dt = ? AND event = 'mcp_call' AND method = 'tools/call' AND outcome IN ('ok', 'tool_error')
    AND ${isBelieved}
)
SELECT
  server,
  tool,
  count(*) AS calls,
  min(total_ms) FILTER (WHERE share >= 0.5) AS p50_ms,
  min(total_ms) FILTER (WHERE share >= 0.95) AS p95_ms,
  min(total_ms) FILTER (WHERE share >= 0.99) AS p99_ms,
  max(total_ms) AS max_ms
FROM answered
GROUP BY server, tool
ORDER BY p95_ms DESC, server, tool`,
  },
  ...approvalQueries,
];
