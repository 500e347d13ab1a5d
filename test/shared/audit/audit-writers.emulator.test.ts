import { after, before } from 'node:test';
import { makeAuditBucket } from '../../support/audit-bucket.ts';
import { type Ministack, startMinistack } from '../../support/ministack.ts';
import { auditWriterContract } from './audit-writer-contract.ts';
import { bucketSink } from './bucket-sink.ts';

let emulator: Ministack;
before(async () => {
  emulator = await startMinistack();
});
after(() => emulator.close());

auditWriterContract('in a bucket of the emulator ministack', async (t) =>
  bucketSink(t, await makeAuditBucket(t, emulator)),
);
