import { createHash, hash } from 'node:crypto';
import { PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/** What the audit writer asks of a bucket. A function, so that a test can make it slow, gone or wrong. */
export interface AuditObjects {
  /**
   * One attempt to store an object that is not there yet. `exists` when one of that key is. Throws {@link PutFailed}: whether the object
   * is stored is then known only when `isRefused`, and then it is not.
   */
  put(object: AuditObject): Promise<'stored' | 'exists'>;
}

export interface AuditObject {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly contentEncoding?: 'gzip';
}

/** A put without a good end, in words that may be logged. */
export class PutFailed extends Error {
  /** S3 said no and will say so again: permission, bucket, request. Anything else may pass. */
  readonly isRefused: boolean;
  constructor(sentence: string, isRefused: boolean, cause: unknown) {
    super(sentence, { cause });
    this.name = 'PutFailed';
    this.isRefused = isRefused;
  }
}

/** Objects in `bucket`, each put only when its key is free and only whole. */
export function s3AuditObjects(client: S3Client, bucket: string): AuditObjects {
  return {
    async put({ key, bytes, contentType, contentEncoding }) {
      const sha256 = createHash('sha256').update(bytes).digest('base64');
      try {
        const answer = await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: bytes,
            ContentType: contentType,
            ...(contentEncoding !== undefined && { ContentEncoding: contentEncoding }),
            ChecksumSHA256: sha256,
            IfNoneMatch: '*',
          }),
        );
        // What answers 200 without these is not S3.
        if (!answer.ETag || (answer.ChecksumSHA256 ?? sha256) !== sha256)
          throw new PutFailed('the bucket gave an answer that is not of S3', false, undefined);
        return 'stored';
      } catch (error) {
        if (statusOf(error) === 412) return 'exists';
        throw error instanceof PutFailed ? error : putFailure(error);
      }
    },
  };
}

/**
 * For {@link AuditObjects}: short attempts, because the writer tries again by itself and knows what it has sent. Region, endpoint and
 * credentials come from the SDK's chain, but for what is named.
 */
export function createAuditS3Client(
  but: Pick<S3ClientConfig, 'endpoint' | 'region' | 'credentials'> = {},
  attemptMs = 2000,
): S3Client {
  return new S3Client({
    ...but,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: Math.min(1000, attemptMs),
      requestTimeout: attemptMs,
      throwOnRequestTimeout: true,
      httpsAgent: { keepAlive: true, maxSockets: 64 },
      httpAgent: { keepAlive: true, maxSockets: 64 },
    },
  });
}

/** SHA-256 of bytes in hex, as object names have its beginning. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes);
}

function putFailure(error: unknown): PutFailed {
  const status = statusOf(error);
  const name = error instanceof Error ? error.name : 'unknown error';
  if (status === undefined) return new PutFailed(`the bucket does not answer (${name})`, false, error);
  // 408, 409 (two puts of one key at once) and 429 pass; so do 5xx. Amazon S3, "Error responses".
  const isRefused = status >= 400 && status < 500 && ![408, 409, 429].includes(status);
  return new PutFailed(`the bucket answers ${status} ${name}`, isRefused, error);
}

function statusOf(error: unknown): number | undefined {
  const { $metadata, $response } = (error ?? {}) as {
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
  };
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}
