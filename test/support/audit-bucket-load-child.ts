/**
 * Writes audit records into a bucket as fast as it can and prints `<call id> <milliseconds since the epoch>` of each append that resolved, one a
 * line. For tests that kill it. Every fourth call changes something: its intent first, `<call id>-intent` when that resolved.
 * Arguments: endpoint, access key, secret, bucket, key file, AUDIT_READS, AUDIT_FLUSH_MS, prefix of the call ids.
 */
import { writeSync } from 'node:fs';
import type { AuditReads } from '../../runtime/shared/audit/audit-env.ts';
import { createAuditS3Client, s3AuditObjects } from '../../runtime/shared/audit/audit-objects.ts';
import { openS3AuditWriter } from '../../runtime/shared/audit/open-s3-audit-writer.ts';
import { openSigningKey } from '../../runtime/shared/audit/signing-key.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { auditEvent } from './audit-events.ts';

const [endpoint = '', accessKeyId = '', secretAccessKey = '', bucket = '', keyFile = '', reads, flushMs, prefix = ''] =
  process.argv.slice(2);
const client = createAuditS3Client({ endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } });
const writer = await openS3AuditWriter({
  objects: s3AuditObjects(client, bucket),
  writer: 'gw',
  now: Date.now,
  logger: silentLogger(),
  signer: openSigningKey(keyFile),
  reads: reads as AuditReads,
  flushMs: Number(flushMs),
  checkpointMs: 50,
});
const tenants = ['acme', 'globex', '_unknown'];
let count = 0;
await Promise.all(
  Array.from({ length: 16 }, async (_, lane) => {
    for (;;) {
      count += 1;
      const call_id = `${prefix}-${lane}-${count}`;
      const tenant = tenants[count % tenants.length] as string;
      const event = { call_id, tenant, time: new Date().toISOString(), arguments: { text: 'x'.repeat(count % 500) } };
      if (count % 4 === 0) {
        await writer.append(auditEvent({ ...event, event: 'mcp_call_intent', outcome: 'pending' }));
        say(`${call_id}-intent`);
      }
      await writer.append(auditEvent(event));
      say(call_id);
      // A read that is answered at once must not keep the event loop from everything else.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }),
);

/** Synchronously: what the parent reads was answered, and what was answered is read unless the kill came first. */
function say(id: string): void {
  writeSync(1, `${id} ${Date.now()}\n`);
}
