import { createHash } from 'node:crypto';
import { ListObjectsV2Command, type ListObjectsV2CommandOutput, type S3Client } from '@aws-sdk/client-s3';
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { JsonObject } from '../../contract/json.ts';
import { errorMetaKey } from '../../contract/refusal-codes.ts';
import type { ServedTool, ToolCaller } from '../served-tool.ts';

const pageSizeMax = 1_000;
const pageSizeDefault = 100;

/** A no of the store or of this tool before it; the model reads it. */
class StoreRefusal extends Error {
  readonly code: string;
  constructor(code: string, sentence: string, options?: { cause?: unknown }) {
    super(sentence, options);
    this.code = code;
  }
}

/** `s3.list`: the objects of a bucket, page by page, in the order of their keys. Only the listed buckets exist for it. */
export function s3List(store: S3Client, { buckets }: { readonly buckets: readonly string[] }): ServedTool {
  return {
    definition: {
      name: 's3.list',
      title: 'List stored objects',
      description:
        'Lists objects of a bucket in the object store, page by page, in the order of their keys. Pass next_cursor of an answer as cursor ' +
        'to get the page after it.',
      inputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: {
          bucket: { type: 'string', pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$', description: 'Name of the bucket.' },
          prefix: {
            type: 'string',
            maxLength: 1_024,
            description: 'Only keys that start with this, e.g. invoices/2026/.',
          },
          cursor: { type: 'string', maxLength: 4_096, description: 'next_cursor of the page before.' },
          page_size: {
            type: 'integer',
            minimum: 1,
            maximum: pageSizeMax,
            default: pageSizeDefault,
            description: `Objects in one answer; ${pageSizeDefault} when absent.`,
          },
        },
        required: ['bucket'],
        additionalProperties: false,
      },
      outputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: {
          objects: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                key: { type: 'string' },
                size: { type: 'integer', minimum: 0, description: 'Bytes.' },
                last_modified: { type: ['string', 'null'], description: 'RFC 3339, UTC.' },
                etag: { type: ['string', 'null'] },
              },
              required: ['key', 'size', 'last_modified', 'etag'],
              additionalProperties: false,
            },
          },
          next_cursor: { type: ['string', 'null'], description: 'Null on the last page.' },
        },
        required: ['objects', 'next_cursor'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
      scopes: ['s3:list'],
      version: '1.0.0',
      destructive: false,
    },
    async call(args, { caller, signal, logger }) {
      try {
        return pageResult(await listPage(args, caller, signal));
      } catch (error) {
        const refusal = toStoreRefusal(error, signal);
        logger.info({ code: refusal.code, err: refusal.cause }, 'a listing was not answered');
        return refusalResult(refusal);
      }
    },
  };

  async function listPage(args: JsonObject, caller: ToolCaller, signal: AbortSignal): Promise<JsonObject> {
    const bucket = args.bucket as string;
    const prefix = (args.prefix as string | undefined) ?? '';
    checkPrefix(prefix);
    // The same answer for a bucket that is not there and one that is not to be seen.
    if (!buckets.includes(bucket)) throw noSuchBucket(bucket);
    const place = { tenant: caller.tenant, bucket, prefix };
    const page = await store.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        MaxKeys: (args.page_size as number | undefined) ?? pageSizeDefault,
        ...(args.cursor !== undefined && { ContinuationToken: openCursor(args.cursor as string, place) }),
      }),
      { abortSignal: signal },
    );
    return {
      objects: readObjects(page),
      next_cursor: page.NextContinuationToken === undefined ? null : sealCursor(page.NextContinuationToken, place),
    };
  }
}

function readObjects({ Contents = [] }: ListObjectsV2CommandOutput): JsonObject[] {
  return Contents.map(({ Key = '', Size = 0, LastModified, ETag }) => ({
    key: Key,
    size: Size,
    last_modified: LastModified?.toISOString() ?? null,
    etag: ETag?.replaceAll('"', '') ?? null,
  }));
}

/** Keys are plain texts to S3, but not to whoever joins them to a path later. */
function checkPrefix(prefix: string): void {
  let decoded = prefix;
  try {
    decoded = decodeURIComponent(prefix);
  } catch {
    // A lone percent sign is a letter like any other.
  }
  for (const text of [prefix, decoded]) {
    if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(text)) {
      throw new StoreRefusal('prefix_invalid', 'The prefix contains a control character.');
    }
    const isPath =
      text.startsWith('/') ||
      text
        .normalize('NFKC')
        .split(/[/\\]/)
        .some((part) => part === '..' || part === '.');
    if (isPath) {
      throw new StoreRefusal(
        'prefix_invalid',
        'A prefix is the beginning of a key, not a path: no leading slash, no "." or ".." in it.',
      );
    }
  }
}

interface Place {
  readonly tenant: string;
  readonly bucket: string;
  readonly prefix: string;
}

/**
 * The store's token with a mark of the list that it belongs to, so that a cursor is good for that list alone. It holds no right: bucket and
 * prefix are those of the call, and are checked anew.
 */
function sealCursor(token: string, place: Place): string {
  return Buffer.from(JSON.stringify([markOf(place), token])).toString('base64url');
}

function openCursor(cursor: string, place: Place): string {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    parts = undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 2 || parts[0] !== markOf(place) || typeof parts[1] !== 'string') {
    throw new StoreRefusal(
      'cursor_invalid',
      'The cursor is not one of this list: send it with the bucket and prefix that it came with.',
    );
  }
  return parts[1];
}

function markOf({ tenant, bucket, prefix }: Place): string {
  return createHash('sha256')
    .update(JSON.stringify([tenant, bucket, prefix]))
    .digest('base64url')
    .slice(0, 16);
}

/** What the store's error names mean to a caller; everything else of them stays here. */
function toStoreRefusal(error: unknown, signal: AbortSignal): StoreRefusal {
  if (error instanceof StoreRefusal) return error;
  if (signal.aborted) return new StoreRefusal('cancelled', 'The call was cancelled.', { cause: error });
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  if (name === 'NoSuchBucket') return new StoreRefusal('no_such_bucket', 'There is no such bucket.', { cause: error });
  if (name === 'InvalidArgument') {
    return new StoreRefusal('cursor_invalid', 'The store does not know this cursor: begin again without one.', {
      cause: error,
    });
  }
  if ($metadata?.httpStatusCode === 403) {
    return new StoreRefusal('access_denied', "The store does not let this tool's role list the bucket.", {
      cause: error,
    });
  }
  if ($metadata?.httpStatusCode === 503 || name === 'SlowDown') {
    return new StoreRefusal('store_busy', 'The object store is busy: try again.', { cause: error });
  }
  if ($metadata === undefined && !isConnectionError(error)) throw error;
  return new StoreRefusal('store_unreachable', 'The object store cannot be reached right now.', { cause: error });
}

/** A socket's error or a timeout of the SDK; anything else without metadata is a bug. */
function isConnectionError(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: unknown };
  return name === 'TimeoutError' || (typeof code === 'string' && /^E[A-Z_]+$/.test(code));
}

function noSuchBucket(bucket: string): StoreRefusal {
  return new StoreRefusal('no_such_bucket', `There is no bucket ${bucket}.`);
}

function pageResult(structuredContent: JsonObject): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

function refusalResult({ code, message }: StoreRefusal): CallToolResult {
  return { isError: true, content: [{ type: 'text', text: message }], _meta: { [errorMetaKey]: { code, message } } };
}
