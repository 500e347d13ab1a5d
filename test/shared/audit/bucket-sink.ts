import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type AuditObjects, PutFailed } from '../../../runtime/shared/audit/audit-objects.ts';
import { type AuditBucket, openBucketTestWriter } from '../../support/audit-bucket.ts';
import { testFolder } from '../../support/audit-events.ts';
import type { SinkUnderTest } from './audit-writer-contract.ts';

/** An audit bucket as a sink under test. */
export function bucketSink(t: TestContext, bucket: AuditBucket): SinkUnderTest {
  const folder = testFolder(t);
  let state: 'works' | 'fails' | 'hangs' = 'works';
  let gate = Promise.withResolvers<void>();
  const objects: AuditObjects = {
    async put(object) {
      if (state === 'fails') throw new PutFailed('the bucket answers 403 AccessDenied', true, undefined);
      if (state === 'hangs') await gate.promise;
      return bucket.objects.put(object);
    },
  };
  return {
    open: (options) => openBucketTestWriter(folder, objects, options),
    directory: () => bucket.copy(join(folder, 'copy')),
    breakDown(how) {
      gate = Promise.withResolvers();
      state = how;
    },
    mend() {
      state = 'works';
      gate.resolve();
    },
  };
}
