import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join, resolve as resolvePath } from 'node:path';
import type { AuditEvent, AuditRecord } from '../../contract/audit-event.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { AuditWriter } from '../audit-writer.ts';
import type { Logger } from '../logger.ts';
import { Refusal } from '../refusal.ts';
import { type AuditFiles, diskReason, localFiles } from './audit-files.ts';
import { auditFolders, auditPaths, isWriterName, zeroHash } from './audit-layout.ts';
import { type Chain, type ChainState, createChain } from './chain.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import { createCheckpointLog, readCheckpointLog } from './checkpoint-log.ts';
import { createCheckpointTimer } from './checkpoint-timer.ts';
import { encodeEvent } from './encode-event.ts';
import { createGroupCommit } from './group-commit.ts';
import { openHeadSlots } from './head-slots.ts';
import { cutTail, recoverChains } from './recover-chains.ts';
import { openSigningKey, publishKey } from './signing-key.ts';
import { type WriterEventKind, writerEvent } from './writer-event.ts';
import { takeWriterLock } from './writer-lock.ts';

export interface AuditWriterOptions {
  /** Made when it is not there. */
  readonly directory: string;
  /** This process among those that write here, the same after a restart: `[a-z0-9][a-z0-9_-]{0,62}`. */
  readonly writer: string;
  /** Milliseconds since the epoch, for the writer's own records and checkpoints. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Signs checkpoints. By default a key of this machine in `keyFile`. */
  readonly signer?: CheckpointSigner;
  /** Private key, made on first use. By default `keys/audit-signing-key.json` beside the audit directory, never inside. */
  readonly keyFile?: string;
  /** Called with each durable record and its hash. What it throws is logged. */
  readonly onRecord?: (record: AuditRecord, hash: string) => void;
  /** Longest that an append waits for the disk. Default 5,000. */
  readonly deadlineMs?: number;
  /** Most events that wait; one more is refused. Default 10,000. */
  readonly waitingMax?: number;
  /** Longest that a record stays without a signed checkpoint after it. Default 1,000. */
  readonly checkpointMs?: number;
  /** A file this long is followed by a new one. Default 64 MiB. */
  readonly fileBytesMax?: number;
  /** A test's file system. */
  readonly files?: AuditFiles;
}

/** How the writer is, for readiness and metrics. */
export interface AuditWriterStatus {
  /** False from a failed append until the next one, or a probe, succeeds. */
  readonly isWriting: boolean;
  /** What is wrong, in words. */
  readonly problem: string | undefined;
  readonly waiting: number;
  /** Number of the last signed checkpoint. */
  readonly checkpoint: number;
}

export interface LocalAuditWriter extends AuditWriter {
  append(event: AuditEvent): Promise<AuditRecord>;
  status(): AuditWriterStatus;
}

/**
 * Opens an audit directory for one writer: takes its lock, mends what a crash left, and goes on with its chains. Throws an Error with one
 * sentence when the directory cannot be used or another live process has this writer's name.
 */
export async function openAuditWriter(options: AuditWriterOptions): Promise<LocalAuditWriter> {
  const { writer, now, logger } = options;
  const directory = resolvePath(options.directory);
  const files = options.files ?? localFiles;
  if (!isWriterName(writer)) throw new Error(`"${writer}" is no name for an audit writer: use a-z, 0-9, - and _.`);
  makeFolders(directory);
  const paths = auditPaths(directory, writer);
  const signer = options.signer ?? openSigningKey(options.keyFile ?? defaultKeyFile(directory));
  const lock = takeWriterLock(paths.lock, writer);
  try {
    return await openLocked();
  } catch (error) {
    lock.release();
    throw error;
  }

  async function openLocked(): Promise<LocalAuditWriter> {
    publishKey(paths.keys, signer);
    const signed = readCheckpointLog(paths.checkpoints);
    if (signed.tornFrom !== undefined) cutTail(directory, 'heads', `heads/${writer}.jsonl`, signed.tornFrom);
    const recovered = await recoverChains(directory, writer, paths.heads, signed.heads);
    const slots = openHeadSlots(paths.heads, files);
    const dev = files.look(directory)?.dev;
    const run = randomUUID();
    const chains = new Map<string, Chain>();
    const started = new Set<string>();
    const ownEvent = (event: WriterEventKind, segment: string, detail: JsonObject | null) =>
      writerEvent(event, segment, { run, nowMs: now(), detail });

    const checkpoints = createCheckpointTimer({
      log: createCheckpointLog({ path: paths.checkpoints, writer, signer }, signed),
      intervalMs: options.checkpointMs ?? 1000,
      now,
      logger,
      heads: () => [...chains.values()].map((chain) => [chain.segment, chain.head()] as const),
      beforeEach: ensureOwnFiles,
    });
    const commits = createGroupCommit({
      chainOf,
      deadlineMs: options.deadlineMs ?? 5000,
      waitingMax: options.waitingMax ?? 10_000,
      logger,
      probe,
      beforeFirst: (chain) => {
        if (started.has(chain.segment)) return undefined;
        return encodeEvent(ownEvent('writer_started', chain.segment, { key: signer.kid }));
      },
      onDurable(chain, record, hash) {
        started.add(chain.segment);
        checkpoints.mark(chain.segment);
        try {
          options.onRecord?.(record, hash);
        } catch (error) {
          logger.error({ err: error }, 'showing an audit record failed');
        }
      },
    });
    let closing: Promise<void> | undefined;

    for (const { segment, state } of recovered) chains.set(segment, newChain(segment, state));
    // Before the first record there is a checkpoint: a directory without one has lost it.
    await checkpoints.write('opened');
    for (const { segment, finding } of recovered) {
      if (finding === undefined) continue;
      logger.warn({ writer, tenant: segment, ...finding }, 'an audit chain was recovered');
      await commits.append(encodeEvent(ownEvent('writer_recovered', segment, finding)));
    }

    return {
      append(event) {
        if (closing !== undefined) return Promise.reject(new Refusal('audit_unavailable', closedDetail));
        try {
          return commits.append(encodeEvent(event));
        } catch (error) {
          logger.error({ err: error }, 'an audit event cannot be recorded');
          return Promise.reject(
            error instanceof Refusal ? error : new Refusal('audit_unavailable', {}, { cause: error }),
          );
        }
      },
      close() {
        closing ??= close();
        return closing;
      },
      status: () => ({ ...commits.status(), checkpoint: checkpoints.last() }),
    };

    async function close(): Promise<void> {
      try {
        await commits.drain();
        const last = [...started].map((segment) => encodeEvent(ownEvent('writer_closed', segment, null)));
        await Promise.all(last.map((event) => commits.append(event)));
        await checkpoints.close();
      } catch (error) {
        logger.error({ err: error }, 'the audit writer could not be closed properly; the next start recovers');
      } finally {
        commits.stop();
        checkpoints.stop();
        await Promise.all([...chains.values()].map((chain) => chain.release().catch(() => undefined)));
        slots.close();
        lock.release();
      }
    }

    function chainOf(segment: string): Chain {
      const chain = chains.get(segment) ?? newChain(segment, { seq: 0, hash: zeroHash });
      chains.set(segment, chain);
      return chain;
    }

    function newChain(segment: string, state: ChainState): Chain {
      const fileBytesMax = options.fileBytesMax ?? 64 * 1024 * 1024;
      return createChain({ directory, writer, segment, files, slots, logger, fileBytesMax, checkDirectory }, state);
    }

    /** An unmounted volume leaves a folder behind: records written there would be under the volume, not on it. */
    function checkDirectory(): void {
      const seen = files.look(directory);
      if (seen === undefined) throw Object.assign(new Error(`${directory} is gone`), { code: 'ENOENT' });
      if (seen.dev !== dev) throw new Error(`${directory} is on another file system than before`);
    }

    function ensureOwnFiles(): void {
      checkDirectory();
      makeFolders(directory);
      lock.ensure();
      publishKey(paths.keys, signer);
      slots.ensure();
    }

    async function probe(): Promise<void> {
      ensureOwnFiles();
      const path = join(directory, 'torn', `probe-${writer}-${run}`);
      const fd = await files.open(path, 'create');
      try {
        await files.write(fd, Buffer.alloc(64 * 1024));
      } finally {
        await files.close(fd);
        fs.rmSync(path, { force: true });
      }
    }
  }
}

const closedDetail = { privateDetail: 'the audit writer is closed' };

function defaultKeyFile(directory: string): string {
  return join(dirname(directory), 'keys', 'audit-signing-key.json');
}

function makeFolders(directory: string): void {
  try {
    for (const name of auditFolders) fs.mkdirSync(join(directory, name), { recursive: true, mode: 0o700 });
    fs.accessSync(directory, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (cause) {
    throw new Error(`The audit directory ${directory} cannot be written: ${diskReason(cause)}.`, { cause });
  }
}
