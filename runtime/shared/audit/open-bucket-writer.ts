import type { EnvOf } from '../read-env.ts';
import type { auditEnv } from './audit-env.ts';
import { createAuditS3Client, s3AuditObjects } from './audit-objects.ts';
import { createAuditKmsClient, openKmsSigner } from './kms-signer.ts';
import type { OpenAuditOptions } from './open-audit.ts';
import { openS3AuditWriter, type S3AuditWriter } from './open-s3-audit-writer.ts';

/** Opens AUDIT_BUCKET with clients of its own, which end with the writer. Rejects with one sentence when it cannot be used. */
export async function openBucketWriter(env: EnvOf<typeof auditEnv>, options: OpenAuditOptions): Promise<S3AuditWriter> {
  const s3 = createAuditS3Client();
  const kms = createAuditKmsClient();
  const endClients = () => {
    s3.destroy();
    kms.destroy();
  };
  try {
    const writer = await openS3AuditWriter({
      ...options,
      objects: s3AuditObjects(s3, env.AUDIT_BUCKET),
      signer: await openKmsSigner(kms, env.AUDIT_KMS_KEY_ID),
      writer: env.AUDIT_WRITER,
      reads: env.AUDIT_READS,
      flushBytes: env.AUDIT_FLUSH_BYTES,
      ...(env.AUDIT_FLUSH_MS !== undefined && { flushMs: env.AUDIT_FLUSH_MS }),
    });
    return { ...writer, close: () => writer.close().finally(endClients) };
  } catch (error) {
    endClients();
    throw error;
  }
}
