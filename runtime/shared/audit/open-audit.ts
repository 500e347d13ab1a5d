import type { AuditRecord } from '../../contract/audit-event.ts';
import type { AuditWriter } from '../audit-writer.ts';
import type { Logger } from '../logger.ts';
import { EnvError, type EnvOf } from '../read-env.ts';
import { type auditEnv, auditPlaceProblem } from './audit-env.ts';
import { limitStrangers } from './limit-strangers.ts';
import { type AuditWriterStatus, openAuditWriter } from './open-audit-writer.ts';

/** An open audit record, wherever it is kept. */
export interface OpenedAudit extends AuditWriter {
  status(): AuditWriterStatus;
}

export interface OpenAuditOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Called with each durable record and its hash. */
  readonly onRecord?: (record: AuditRecord, hash: string) => void;
}

/**
 * Opens the audit record where the environment says: a folder, or a bucket. Strangers are limited in both. Rejects with one sentence when it
 * cannot be written or signed there.
 */
export async function openAudit(env: EnvOf<typeof auditEnv>, options: OpenAuditOptions): Promise<OpenedAudit> {
  const problem = auditPlaceProblem(env);
  if (problem !== undefined) throw new EnvError([problem]);
  const { now, logger } = options;
  return limitStrangers(await openWriter(env, options), { now, logger });
}

async function openWriter(env: EnvOf<typeof auditEnv>, options: OpenAuditOptions): Promise<OpenedAudit> {
  if (env.AUDIT_BUCKET === '')
    return openAuditWriter({ ...options, directory: env.AUDIT_DIR, writer: env.AUDIT_WRITER });
  // Loaded here, so that a laptop starts without the clients of S3 and KMS.
  const { openBucketWriter } = await import('./open-bucket-writer.ts');
  return openBucketWriter(env, options);
}
