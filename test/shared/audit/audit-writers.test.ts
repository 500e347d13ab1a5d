import { join } from 'node:path';
import { type AuditFiles, localFiles } from '../../../runtime/shared/audit/audit-files.ts';
import { localAuditBucket } from '../../support/audit-bucket.ts';
import { openTestWriter, testFolder } from '../../support/audit-events.ts';
import { auditWriterContract } from './audit-writer-contract.ts';
import { bucketSink } from './bucket-sink.ts';

auditWriterContract('in a directory', async (t) => {
  const folder = testFolder(t);
  const gate = Promise.withResolvers<void>();
  let state: 'works' | 'fails' | 'hangs' = 'works';
  const files: AuditFiles = {
    ...localFiles,
    async write(fd, bytes) {
      if (state === 'fails') throw Object.assign(new Error('made by a test'), { code: 'ENOSPC' });
      if (state === 'hangs') await gate.promise;
      return localFiles.write(fd, bytes);
    },
  };
  return {
    open: (options) => openTestWriter(folder, { files, ...options }),
    directory: async () => join(folder, 'audit'),
    breakDown: (how) => {
      state = how;
    },
    mend: () => {
      state = 'works';
      gate.resolve();
    },
  };
});

auditWriterContract('in a bucket of our store', async (t) => bucketSink(t, await localAuditBucket(t)));
