import type { AuditRecord } from '../../contract/audit-event.ts';
import { printable } from './printable.ts';

/**
 * A record as a few short lines for a terminal: what was resolved, what policy said, how it ended, where it is recorded. Every string
 * of the record is made printable.
 */
export function formatCallLines(record: AuditRecord, hash?: string): string[] {
  const where = `audit     ${printable(record.tenant)} #${record.seq} by ${printable(record.writer)}${hash === undefined ? '' : ` sha256 ${hash.slice(0, 12)}…`}`;
  if (record.event.startsWith('writer_'))
    return [`${clock(record)}  ${printable(record.event.replace('_', ' '))}${detailOf(record)}`, `  ${where}`];
  // Nobody calls a registration, and nobody lets a question expire: the platform does it by itself.
  const isOfPlatform = record.event === 'registration' || record.event === 'approval_expired';
  const caller = isOfPlatform && record.caller === null ? '' : `  ${callerOf(record)}`;
  const lines = [`${clock(record)}  ${whatOf(record)}${caller}`];
  if (record.caller !== null && record.caller.scopes.length > 0) lines.push(`  ${scopesOf(record.caller)}`);
  if (record.policy !== null) lines.push(`  ${policyOf(record)}`);
  if (record.approval_id !== null) lines.push(`  ${approvalOf(record)}`);
  lines.push(`  ${outcomeOf(record)}`, `  ${where}`);
  return lines;
}

function clock(record: AuditRecord): string {
  return printable(record.time.slice(11, 23), 12);
}

function whatOf({ event, method, server, tool, version, definition_hash }: AuditRecord): string {
  const parts = [event === 'mcp_call' ? '' : event.replaceAll('_', ' '), method ?? ''];
  if (tool !== null) {
    const from = server === null ? '' : ` on ${server}`;
    const definition = definition_hash === null ? '' : ` (definition ${definition_hash.slice(0, 12)})`;
    parts.push(`${tool}${version === null ? '' : ` ${version}`}${from}${definition}`);
  } else if (server !== null) parts.push(`on ${server}`);
  return printable(parts.filter((part) => part !== '').join(' '));
}

function callerOf({ event, caller, client }: AuditRecord): string {
  if (caller === null) return 'caller unknown';
  // Of an answer the client is that of the call it is about: nobody answers through it.
  const through = event === 'approval_decided' || event === 'approval_revoked' ? null : (client?.name ?? client?.id);
  const roles = caller.roles.length === 0 ? '' : ` [${caller.roles.join(', ')}]`;
  return printable(`${caller.subject} (${caller.kind})${roles}${through == null ? '' : ` through ${through}`}`);
}

function scopesOf({ scopes }: NonNullable<AuditRecord['caller']>): string {
  return printable(`scopes    ${scopes.join(' ')}`);
}

/** Which question it is about and, of what people did about it, what that was. */
function approvalOf({ event, approval_id, detail }: AuditRecord): string {
  const said = event.startsWith('approval_') ? (detail ?? {}) : {};
  const parts = [
    approval_id,
    said.verdict,
    said.asked_by == null ? null : `asked by ${said.asked_by}`,
    said.via == null ? null : `via ${said.via}`,
    said.words == null ? null : `“${said.words}”`,
  ];
  return printable(`approval  ${parts.filter((part) => part != null).join(' · ')}`, 300);
}

function policyOf({ event, policy, code }: AuditRecord): string {
  const { revision, reasons, obligations } = policy as NonNullable<AuditRecord['policy']>;
  // The reasons of a question are why a person is asked; what policy says of an answer is in its outcome.
  if (event.startsWith('approval_')) return printable(`policy    asks: ${reasons.join(', ')} (revision ${revision})`);
  const isDenied = code === 'policy_denied' || code === 'insufficient_scope';
  const must = obligations.length === 0 ? '' : `; must ${obligations.join(', ')}`;
  const why = reasons.length === 0 ? '' : `: ${reasons.join(', ')}`;
  return printable(`policy    ${isDenied ? 'deny' : 'allow'}${why}${must} (revision ${revision})`);
}

function outcomeOf({ outcome, code, reason, latency_ms, response_bytes, redactions }: AuditRecord): string {
  const parts: string[] = [outcome.replace('_', ' ')];
  if (code !== null) parts.push(`${code}${reason === null ? '' : `, ${reason}`}`);
  if (latency_ms.total !== undefined) parts.push(`${latency_ms.total.toFixed(1)} ms`);
  if (response_bytes !== null) parts.push(`${response_bytes} bytes`);
  if (redactions !== null) {
    if (redactions.masked_cells > 0)
      parts.push(`${redactions.masked_cells} cell${redactions.masked_cells === 1 ? '' : 's'} masked`);
    const found = Object.entries(redactions.pii).filter(([, count]) => count > 0);
    if (found.length > 0) parts.push(`redacted ${found.map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
  }
  return printable(`outcome   ${parts.join(' · ')}`, 300);
}

function detailOf({ detail }: AuditRecord): string {
  return detail === null || detail === undefined ? '' : `  ${printable(JSON.stringify(detail), 300)}`;
}
