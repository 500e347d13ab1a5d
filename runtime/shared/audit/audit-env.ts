import { type EnvVariable, integer, type OptionalEnvVariable, text } from '../read-env.ts';

/**
 * Variables of the audit record, the same for every service. Exactly one of AUDIT_DIR and AUDIT_BUCKET is set; {@link auditPlaceProblem}
 * says so. Region, endpoint and credentials of AWS come from the SDK's own chain.
 */
export const auditEnv = {
  AUDIT_DIR: text('folder of the audit record; either this or AUDIT_BUCKET', ''),
  AUDIT_BUCKET: text('S3 bucket of the audit record; either this or AUDIT_DIR', ''),
  AUDIT_KMS_KEY_ID: text(
    'KMS key that signs checkpoints in AUDIT_BUCKET: id, ARN or alias of an ECC_NIST_P256 key for SIGN_VERIFY',
    '',
  ),
  AUDIT_WRITER: text('name of this writer in the record; one per replica of AUDIT_DIR'),
  AUDIT_READS: auditReads(
    'when the record of a read must be in AUDIT_BUCKET: before-answer, or after-answer within the loss window. Refusals and all that changes something always are before',
    'before-answer',
  ),
  AUDIT_FLUSH_MS: optional(
    integer(
      'how long records gather before they are put into AUDIT_BUCKET together, milliseconds; those that an answer waits for 1000 at most, with after-answer 20. Unset: 20, with after-answer 1000',
      { min: 0, max: 60_000 },
    ),
  ),
  AUDIT_FLUSH_BYTES: integer(
    'records of this size are put into AUDIT_BUCKET without waiting longer, bytes before compression',
    { min: 1024, max: 8_388_608 },
    1_048_576,
  ),
} as const;

export type AuditReads = 'before-answer' | 'after-answer';

const readsValues: readonly AuditReads[] = ['before-answer', 'after-answer'];

/** What is wrong with where the record goes, in one sentence; undefined when nothing is. */
export function auditPlaceProblem(source: Readonly<Record<string, unknown>>): string | undefined {
  const isSet = (name: string) => source[name] !== undefined && source[name] !== '';
  if (isSet('AUDIT_DIR') && isSet('AUDIT_BUCKET'))
    return 'AUDIT_DIR and AUDIT_BUCKET are both set: the record goes to one place, so set exactly one of them';
  if (!isSet('AUDIT_DIR') && !isSet('AUDIT_BUCKET'))
    return 'AUDIT_DIR is missing, and so is AUDIT_BUCKET: set exactly one of them, the folder or the S3 bucket of the audit record';
  if (isSet('AUDIT_BUCKET') && !isSet('AUDIT_KMS_KEY_ID'))
    return 'AUDIT_KMS_KEY_ID is missing: with AUDIT_BUCKET it names the KMS key that signs checkpoints';
  if (isSet('AUDIT_DIR') && source.AUDIT_READS === 'after-answer')
    return 'AUDIT_READS is after-answer, which only AUDIT_BUCKET knows: in AUDIT_DIR every record is before its answer';
  return undefined;
}

function auditReads(what: string, fallback: AuditReads): OptionalEnvVariable<AuditReads> {
  return {
    what,
    fallback,
    parse: (value) => {
      const found = readsValues.find((each) => each === value);
      if (found === undefined) throw new Error(`expected ${readsValues.join(' or ')}, got ${value}`);
      return found;
    },
  };
}

function optional<T>(variable: EnvVariable<T>): OptionalEnvVariable<T | undefined> {
  return { ...variable, fallback: undefined };
}
