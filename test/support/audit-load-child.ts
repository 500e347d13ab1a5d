/**
 * Writes audit records as fast as it can and prints the call id of each acknowledged one, one a line. For tests that kill it.
 * Arguments: audit directory, prefix of the call ids, how many appends are under way at once.
 */
import { writeSync } from 'node:fs';
import { openAuditWriter } from '../../runtime/shared/audit/open-audit-writer.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { auditEvent } from './audit-events.ts';

const [directory = '', prefix = '', concurrency = '16'] = process.argv.slice(2);
const tenants = ['acme', 'globex', '_unknown'];
// A file limit (ulimit -f) then gives EFBIG instead of ending the process.
process.on('SIGXFSZ', () => undefined);
const writer = await openAuditWriter({
  directory,
  writer: 'gw-1',
  now: Date.now,
  logger: silentLogger(),
  checkpointMs: 20,
});
writeSync(1, 'ready\n');
let count = 0;
await Promise.all(
  Array.from({ length: Number(concurrency) }, async (_, lane) => {
    for (;;) {
      const call_id = `${prefix}-${lane}-${count}`;
      count += 1;
      const tenant = tenants[count % tenants.length] as string;
      const payload = { text: 'x'.repeat(count % 3000) };
      try {
        await writer.append(auditEvent({ call_id, tenant, time: new Date().toISOString(), arguments: payload }));
        // Synchronously: what the parent reads was acknowledged, and what was acknowledged is read unless the kill came first.
        writeSync(1, `${call_id}\n`);
      } catch {
        writeSync(1, 'refused\n');
        return;
      }
    }
  }),
);
await writer.close();
writeSync(1, 'closed\n');
