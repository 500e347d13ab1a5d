import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AuditEvent } from '../../runtime/contract/audit-event.ts';
import {
  type AuditWriterOptions,
  type LocalAuditWriter,
  openAuditWriter,
} from '../../runtime/shared/audit/open-audit-writer.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';

/** A call of `postgres.readonly` that went well, but for what is named. */
export function auditEvent(but: Partial<AuditEvent> = {}): AuditEvent {
  return {
    event: 'mcp_call',
    time: '2026-11-21T10:00:00.000Z',
    tenant: 'acme',
    call_id: 'call-1',
    caller: { subject: 'alice', kind: 'human', roles: ['reader'], scopes: ['echo:read'] },
    client: { id: 'cli', name: 'test client', user_agent: 'test/1' },
    method: 'tools/call',
    server: 'read',
    tool: 'postgres.readonly',
    version: '1.2.0',
    definition_hash: 'ab'.repeat(32),
    arguments: { sql: 'select 1' },
    arguments_sha256: 'cd'.repeat(32),
    response: { content: [] },
    response_sha256: 'ef'.repeat(32),
    response_bytes: 14,
    outcome: 'ok',
    code: null,
    reason: null,
    http_status: 200,
    policy: { revision: 'abcdef012345', reasons: ['role_reader'], obligations: ['redact_pii'] },
    approval_id: null,
    redactions: { masked_cells: 0, pii: {} },
    latency_ms: { authenticate: 0.1, total: 1.25 },
    trace_id: '0'.repeat(32),
    ...but,
  };
}

/** A folder of this test's own, removed after it. */
export function testFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-audit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A writer on `<folder>/audit`. */
export function openTestWriter(folder: string, but: Partial<AuditWriterOptions> = {}): Promise<LocalAuditWriter> {
  return openAuditWriter({
    directory: join(folder, 'audit'),
    writer: 'gw-1',
    now: () => Date.UTC(2026, 10, 21, 10),
    logger: silentLogger(),
    ...but,
  });
}

/** A refusal that says the record could not be made durable. */
export const isAuditUnavailable = { name: 'Refusal', code: 'audit_unavailable' };
