import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditEvent, AuditRecord } from '../../contract/audit-event.ts';
import type { AuditWriter } from '../audit-writer.ts';
import type { Logger } from '../logger.ts';
import { Refusal } from '../refusal.ts';
import type { AuditReads } from './audit-env.ts';
import { isWriterName } from './audit-layout.ts';
import type { AuditObjects } from './audit-objects.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import { createCheckpointTimer } from './checkpoint-timer.ts';
import { type EncodedEvent, encodeEvent } from './encode-event.ts';
import { createObjectChain, type ObjectChain } from './object-chain.ts';
import { createObjectCheckpointLog } from './object-checkpoint-log.ts';
import type { AuditWriterStatus } from './open-audit-writer.ts';
import { createRecordDuties, type RecordDuty } from './record-duties.ts';
import { storeObject } from './store-object.ts';
import { createWaitingRoom } from './waiting-room.ts';
import { writerEvent } from './writer-event.ts';

export interface S3AuditWriterOptions {
  readonly objects: AuditObjects;
  /** What the names of this service's writers begin with; time and randomness follow, so that no process goes on with another's chains. */
  readonly writer: string;
  /** Milliseconds since the epoch, for the writer's own records, its name and checkpoints. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly signer: CheckpointSigner;
  /** Called with each durable record and its hash. What it throws is logged. */
  readonly onRecord?: (record: AuditRecord, hash: string) => void;
  /** @default before-answer */
  readonly reads?: AuditReads;
  /**
   * How long records gather, milliseconds. What somebody waits for gathers for 1,000 at most, with after-answer for 20.
   * @default 20, with after-answer 1,000
   */
  readonly flushMs?: number;
  /** @default 1 MiB */
  readonly flushBytes?: number;
  /** Longest that an append waits for the bucket. @default 5,000 */
  readonly deadlineMs?: number;
  /** Most events that are not stored; one more is refused. @default 10,000 */
  readonly waitingMax?: number;
  /** Longest that a record stays without a signed checkpoint after it. @default 60,000 */
  readonly checkpointMs?: number;
  /** Longest that closing waits for the bucket. @default 10,000 */
  readonly closeMs?: number;
}

export interface S3AuditWriter extends AuditWriter {
  status(): AuditWriterStatus;
}

const awaitedGatherMs = 20;
/** Well within the deadline. */
const awaitedGatherMsMax = 1000;
const openAttemptsMax = 4;
const noDuty: RecordDuty = { mayWait: false, mustStay: false };
const closedDetail = 'the audit writer is closed';

/**
 * Opens an audit bucket for this process: publishes the key that signs and stores a first checkpoint, under a writer name that nobody had before.
 * Throws an Error with one sentence when the bucket takes no object or nothing can be signed.
 */
export async function openS3AuditWriter(options: S3AuditWriterOptions): Promise<S3AuditWriter> {
  const { objects, signer, now, logger, reads = 'before-answer', deadlineMs = 5000, closeMs = 10_000 } = options;
  const writer = writerName(options.writer, now());
  const run = randomUUID();
  const { flushMs = reads === 'after-answer' ? 1000 : awaitedGatherMs, flushBytes = 1024 * 1024 } = options;
  const awaitedMs = Math.min(flushMs, reads === 'after-answer' ? awaitedGatherMs : awaitedGatherMsMax);
  const chains = new Map<string, ObjectChain>();
  const stop = new AbortController();
  const room = createWaitingRoom({
    deadlineMs,
    waitingMax: options.waitingMax ?? 10_000,
    lateDetail: 'the bucket does not answer',
  });
  const dutyOf = createRecordDuties(reads);
  const checkpoints = createCheckpointTimer({
    log: createObjectCheckpointLog({ writer, signer, objects }),
    intervalMs: options.checkpointMs ?? 60_000,
    now,
    logger,
    heads: () => [...chains.values()].map((chain) => [chain.segment, chain.head()] as const),
    beforeEach: () => undefined,
  });
  let closing: Promise<void> | undefined;

  try {
    const jwk = { ...signer.publicKey, kid: signer.kid, alg: 'ES256', use: 'sig' };
    const key = { key: `keys/${signer.kid}.json`, bytes: Buffer.from(`${JSON.stringify(jwk)}\n`) };
    await storeObject(objects, { ...key, contentType: 'application/json' }, { attemptsMax: openAttemptsMax });
    // Before the first record there is a checkpoint: a writer without one has lost it.
    await checkpoints.write('opened');
  } catch (cause) {
    checkpoints.stop();
    throw new Error(`The audit bucket cannot be used: ${cause instanceof Error ? cause.message : cause}.`, { cause });
  }

  function append(event: AuditEvent): Promise<AuditRecord | undefined> {
    if (closing !== undefined) return refused(closedDetail);
    try {
      return add(encodeEvent(event), dutyOf(event));
    } catch (error) {
      logger.error({ err: error }, 'an audit event cannot be recorded');
      return Promise.reject(error instanceof Refusal ? error : new Refusal('audit_unavailable', {}, { cause: error }));
    }
  }

  function add(encoded: EncodedEvent, { mayWait, mustStay }: RecordDuty): Promise<AuditRecord | undefined> {
    const chain = chainOf(encoded.segment);
    const problem = chain.problem();
    if (problem !== undefined && !mustStay) return refused(problem);
    if (mayWait || problem !== undefined) {
      const release = room.hold(encoded);
      if (release === undefined) return refused(fullDetail);
      chain.add({ encoded, gatherMs: flushMs, waiting: undefined, mustStay, done: release });
      return problem === undefined ? Promise.resolve(undefined) : refused(problem);
    }
    const waiting = room.admit(encoded);
    if (waiting === undefined) return refused(fullDetail);
    chain.add({ encoded, gatherMs: awaitedMs, waiting, mustStay, done: () => undefined });
    return waiting.promise;
  }

  function chainOf(segment: string): ObjectChain {
    const known = chains.get(segment);
    if (known !== undefined) return known;
    const detail = { key: signer.kid };
    const chain = createObjectChain({
      writer,
      segment,
      objects,
      logger,
      flushBytes,
      deadlineMs,
      first: encodeEvent(writerEvent('writer_started', segment, { run, nowMs: now(), detail })),
      onStored(record, hash) {
        checkpoints.mark(segment);
        try {
          options.onRecord?.(record, hash);
        } catch (error) {
          logger.error({ err: error }, 'showing an audit record failed');
        }
      },
      signal: stop.signal,
    });
    chains.set(segment, chain);
    return chain;
  }

  async function close(): Promise<void> {
    const timeUp = delay(closeMs, 'time up' as const, { signal: stop.signal }).catch(() => 'time up' as const);
    const ended = await Promise.race([end().then(() => 'ended' as const), timeUp]);
    stop.abort();
    checkpoints.stop();
    room.stop();
    const lost = [...chains.values()].reduce((sum, chain) => sum + chain.pending(), 0);
    if (ended !== 'ended') logger.error({ lost }, 'the audit writer could not store everything before it ended');
  }

  async function end(): Promise<void> {
    try {
      await Promise.all([...chains.values()].map((chain) => chain.drain()));
      const last = [...chains.keys()].map((segment) =>
        add(encodeEvent(writerEvent('writer_closed', segment, { run, nowMs: now(), detail: null })), noDuty),
      );
      await Promise.all(last);
      await checkpoints.close();
    } catch (error) {
      logger.error({ err: error }, 'the audit writer could not be closed properly');
    }
  }

  return {
    append,
    close() {
      closing ??= close();
      return closing;
    },
    status() {
      const problem = [...chains.values()].map((chain) => chain.problem()).find((found) => found !== undefined);
      return { isWriting: problem === undefined, problem, waiting: room.count(), checkpoint: checkpoints.last() };
    },
  };
}

const fullDetail = 'too many events wait for the bucket';

function refused(privateDetail: string): Promise<never> {
  return Promise.reject(new Refusal('audit_unavailable', { privateDetail }));
}

/** `<service>-<time>-<random>`. Throws a sentence when the name of the service leaves no room for the rest. */
function writerName(service: string, nowMs: number): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, '').toLowerCase();
  const name = `${service}-${time}-${randomBytes(6).toString('hex')}`;
  if (!isWriterName(name))
    throw new Error(
      `AUDIT_WRITER is "${service}": in a bucket it must be 1 to 34 of a-z, 0-9, - and _, starting with a letter or digit.`,
    );
  return name;
}
