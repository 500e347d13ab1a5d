import type { AuditQuery } from './audit-queries.ts';
import { isBelieved } from './is-believed.ts';

/** A text of `detail`, which is JSON; a quote inside of another value has a backslash before it, so it is not taken for a name. */
const said = (name: string) => String.raw`regexp_extract(detail, '"${name}"\s*:\s*"([^"]*)"', 1)`;

const day = `SELECT * FROM {table} WHERE tenant = ? AND dt = ? AND ${isBelieved}`;

/** Yeses of the day; an answer that was given twice is one. */
const given = `SELECT
  approval_id,
  min("time") AS approved_at,
  min(${said('approver')}) AS approver,
  min(${said('asked_by')}) AS asked_by,
  min(server) AS server,
  min(tool) AS tool
FROM day
WHERE event = 'approval_decided' AND outcome = 'ok' AND ${said('verdict')} = 'approve'
GROUP BY approval_id`;

/** What auditors ask about people's yes and no. */
export const approvalQueries: readonly AuditQuery[] = [
  {
    name: 'who-answered-what-for-whom',
    description: 'Which questions people answered: who, how, for whose call, with which arguments',
    parameters: ['tenant', 'dt'],
    sql: `WITH day AS (${day}),
answers AS (
  SELECT
    "time",
    ${said('approver')} AS approver,
    ${said('verdict')} AS verdict,
    ${said('via')} AS via,
    ${said('asked_by')} AS asked_by,
    client.id AS client_id,
    server,
    tool,
    arguments,
    arguments_sha256,
    policy.reasons AS policy_reasons,
    approval_id,
    row_number() OVER (PARTITION BY approval_id ORDER BY "time", seq) AS nth
  FROM day
  WHERE event = 'approval_decided' AND outcome = 'ok'
)
SELECT "time", approver, verdict, via, asked_by, client_id, server, tool, arguments, arguments_sha256, policy_reasons, approval_id
FROM answers
WHERE nth = 1
ORDER BY "time", approval_id`,
  },
  {
    name: 'answers-that-did-not-count',
    description: 'Answers to questions that were refused, and which of them were the asker’s own',
    parameters: ['tenant', 'dt'],
    sql: `WITH day AS (${day})
SELECT
  "time",
  event,
  caller.subject AS subject,
  ${said('slack_user')} AS slack_user,
  ${said('verdict')} AS verdict,
  ${said('asked_by')} AS asked_by,
  coalesce(caller.subject = ${said('asked_by')}, false) OR coalesce(reason LIKE '%own_request%', false) AS is_own,
  code,
  reason,
  approval_id
FROM day
WHERE event IN ('approval_decided', 'approval_revoked', 'approval_withdrawn') AND outcome = 'refused'
ORDER BY "time", approval_id`,
  },
  {
    name: 'yeses-never-used',
    description:
      'Yeses of the day that no call of the day used: people were asked for nothing, or the call came after midnight',
    parameters: ['tenant', 'dt'],
    sql: `WITH day AS (${day}),
given AS (${given})
SELECT given.approved_at, given.approver, given.asked_by, given.server, given.tool, given.approval_id
FROM given
LEFT JOIN (SELECT DISTINCT approval_id AS used_id FROM day WHERE event = 'mcp_call_intent') AS used ON used.used_id = given.approval_id
WHERE used.used_id IS NULL
ORDER BY given.approved_at, given.approval_id`,
  },
  {
    name: 'calls-with-approval',
    description: 'Calls that ran with a yes: whose, what came of them, and the signed receipt',
    parameters: ['tenant', 'dt'],
    sql: `WITH day AS (${day}),
given AS (${given}),
calls AS (
  SELECT
    "time",
    caller.subject AS subject,
    server,
    tool,
    outcome,
    code,
    approval_id,
    call_id,
    ${said('approval_receipt')} AS receipt
  FROM day
  WHERE event = 'mcp_call' AND method = 'tools/call' AND approval_id IS NOT NULL AND outcome <> 'refused'
)
SELECT calls."time", calls.subject, calls.server, calls.tool, calls.outcome, calls.code, given.approver, given.approved_at, calls.approval_id, calls.receipt, calls.call_id
FROM calls
LEFT JOIN given ON given.approval_id = calls.approval_id
ORDER BY calls."time", calls.call_id`,
  },
  {
    name: 'changes-without-approval',
    description:
      'Calls that may have changed something, without a yes of the day before them: none, but for yeses of the minutes before midnight',
    parameters: ['tenant', 'dt'],
    sql: `WITH day AS (${day}),
given AS (${given}),
changes AS (
  SELECT "time", caller.subject AS subject, server, tool, approval_id, call_id
  FROM day
  WHERE event = 'mcp_call_intent' AND method = 'tools/call'
)
SELECT changes."time", changes.subject, changes.server, changes.tool, changes.approval_id, changes.call_id
FROM changes
LEFT JOIN given ON given.approval_id = changes.approval_id AND given.approved_at <= changes."time"
WHERE given.approval_id IS NULL
ORDER BY changes."time", changes.call_id`,
  },
];
