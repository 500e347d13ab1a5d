import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { AuditRecord } from '../../contract/audit-event.ts';
import type { Logger } from '../logger.ts';
import { chainObjectKey, zeroHash } from './audit-layout.ts';
import { type AuditObject, type AuditObjects, type PutFailed, sha256Hex } from './audit-objects.ts';
import type { EncodedEvent } from './encode-event.ts';
import { type ChainHead, type PlacedRecords, placeRecords } from './place-records.ts';
import { storeObject } from './store-object.ts';
import type { Waiting } from './waiting-room.ts';

/** The records of one tenant by one process, as objects: one put at a time, in order. */
export interface ObjectChain {
  readonly segment: string;
  /** Of what is stored. */
  readonly head: () => ChainHead;
  /** Queues an event; it is put when its time has come or enough has gathered. */
  add(entry: ObjectEntry): void;
  /** Puts what is queued without waiting for more, from now on. Resolves when nothing is left. */
  drain(): Promise<void>;
  /** What holds up the chain; undefined when nothing does. */
  problem(): string | undefined;
  /** Events that are not stored yet. */
  pending(): number;
}

/** An event on its way into a chain. */
export interface ObjectEntry {
  readonly encoded: EncodedEvent;
  /** Longest that it stays in the queue while nothing is under way, milliseconds. */
  readonly gatherMs: number;
  /**
   * Whom it is told to; undefined for one that was answered for already. Who was refused while it was queued takes the event with them, unless it
   * must stay.
   */
  readonly waiting: Waiting | undefined;
  readonly mustStay: boolean;
  /** Called once the record is stored. */
  readonly done: (record: AuditRecord, hash: string) => void;
}

export interface ObjectChainOptions {
  readonly writer: string;
  readonly segment: string;
  readonly objects: AuditObjects;
  readonly logger: Logger;
  /** This much is put without gathering more, and no object is much longer, bytes before compression. */
  readonly flushBytes: number;
  /** A put that is not over after this holds up the chain, milliseconds. */
  readonly deadlineMs: number;
  /** Goes before everything else. */
  readonly first: EncodedEvent;
  /** Called with each stored record and its hash. */
  readonly onStored: (record: AuditRecord, hash: string) => void;
  /** Ends the attempts of what cannot be stored. */
  readonly signal: AbortSignal;
}

type Queued = ObjectEntry & { readonly dueMs: number };

const toGzip = promisify(gzip);
/** Of the failed attempts at one object; there is one a second in the end. */
const loggedEach = 60;

export function createObjectChain(options: ObjectChainOptions): ObjectChain {
  const { writer, segment, objects, logger, signal } = options;
  const first: ObjectEntry = {
    encoded: options.first,
    gatherMs: 0,
    waiting: undefined,
    mustStay: true,
    done: () => undefined,
  };
  let queue: Queued[] = [{ ...first, dueMs: 0 }];
  let queueBytes = 0;
  /** Of what has its place; `stored` follows. */
  let placed: ChainHead = { seq: 0, hash: zeroHash };
  let stored: ChainHead = placed;
  let underWay: readonly ObjectEntry[] = [];
  let isPutting = false;
  let isDraining = false;
  let objectSinceMs = 0;
  let refusal: string | undefined;
  let timer: { readonly dueMs: number; readonly handle: NodeJS.Timeout } | undefined;
  let drained: (() => void)[] = [];

  function add(entry: ObjectEntry): void {
    const dueMs = performance.now() + entry.gatherMs;
    queue.push({ ...entry, dueMs });
    queueBytes += entry.encoded.members.length;
    if (!isPutting) schedule(dueMs);
  }

  /** Puts at `dueMs`, or earlier when that was promised before. */
  function schedule(dueMs: number): void {
    const isNow = isDraining || queueBytes >= options.flushBytes;
    const wantedMs = isNow ? performance.now() : dueMs;
    if (timer !== undefined && timer.dueMs <= wantedMs) return;
    clearTimeout(timer?.handle);
    timer = { dueMs: wantedMs, handle: setTimeout(flush, Math.max(0, wantedMs - performance.now())) };
  }

  function flush(): void {
    timer = undefined;
    if (signal.aborted) return;
    isPutting = true;
    putQueued()
      .catch((error: unknown) => logger.error({ err: error, tenant: segment }, 'audit records are not stored'))
      .then(() => {
        isPutting = false;
        if (isEmpty() || signal.aborted) settleDrained();
        else schedule(queue.reduce((least, { dueMs }) => Math.min(least, dueMs), Number.POSITIVE_INFINITY));
      });
  }

  async function putQueued(): Promise<void> {
    underWay = takeBatch();
    for (const group of byHour(underWay)) {
      const records = placeRecords(writer, placed, group);
      const [{ encoded }] = group;
      const bytes = await toGzip(records.bytes);
      const name = { writer, firstSeq: placed.seq + 1, sha256: sha256Hex(bytes) };
      placed = records.head;
      // From here on the records have their place, and these bytes are put until they are stored: an attempt without an answer may have arrived.
      await put({
        key: chainObjectKey(encoded, name),
        bytes,
        contentType: 'application/x-ndjson',
        contentEncoding: 'gzip',
      });
      settle(records);
    }
    underWay = [];
  }

  async function put(object: AuditObject): Promise<void> {
    objectSinceMs = performance.now();
    const { key } = object;
    let attempts = 0;
    const onFailure = (failure: PutFailed) => {
      // Not each attempt: S3 may be gone for hours, for every tenant.
      if (attempts % loggedEach === 0)
        logger.error({ err: failure, key, attempts }, 'an audit object could not be stored; it is tried again');
      attempts += 1;
      if (!failure.isRefused) return;
      refusal = failure.message;
      for (const { waiting } of [...underWay, ...queue]) waiting?.refuse(failure.message, failure);
    };
    try {
      await storeObject(objects, object, { signal, onFailure });
      refusal = undefined;
      if (attempts > 0) logger.info({ key, attempts }, 'the audit object is stored');
    } finally {
      objectSinceMs = 0;
    }
  }

  function settle({ placed: done, head }: PlacedRecords<ObjectEntry>): void {
    stored = head;
    for (const { entry, record, hash } of done) {
      const whole = record();
      // Late for its caller, who was refused; the record stays, for the call may have run.
      entry.waiting?.resolve(whole);
      entry.done(whole, hash);
      options.onStored(whole, hash);
    }
  }

  function takeBatch(): Queued[] {
    queue = queue.filter(({ waiting, mustStay }) => mustStay || waiting?.isSettled !== true);
    let bytes = 0;
    let count = 0;
    for (const { encoded } of queue) {
      if (bytes >= options.flushBytes) break;
      bytes += encoded.members.length;
      count += 1;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    queueBytes = queue.reduce((sum, { encoded }) => sum + encoded.members.length, 0);
    return batch;
  }

  function problem(): string | undefined {
    if (refusal !== undefined) return refusal;
    const isLate = objectSinceMs > 0 && performance.now() - objectSinceMs >= options.deadlineMs;
    return isLate ? 'the bucket does not answer' : undefined;
  }

  function isEmpty(): boolean {
    return queue.length === 0 && underWay.length === 0;
  }

  function settleDrained(): void {
    const waiting = drained;
    drained = [];
    for (const resolve of waiting) resolve();
  }

  return {
    segment,
    head: () => stored,
    add,
    drain() {
      isDraining = true;
      if (!isPutting && isEmpty()) return Promise.resolve();
      if (!isPutting) schedule(0);
      return new Promise((resolve) => drained.push(resolve));
    },
    problem,
    pending: () => queue.length + underWay.length,
  };
}

/**
 * Events of one hour together, since an object lies under one hour, in the order of the first of each. A call's intent and its outcome
 * have one time, and the intent is stored before the outcome is there.
 */
function byHour(entries: readonly ObjectEntry[]): [ObjectEntry, ...ObjectEntry[]][] {
  const groups = new Map<string, [ObjectEntry, ...ObjectEntry[]]>();
  for (const entry of entries) {
    const hour = `${entry.encoded.date} ${entry.encoded.hour}`;
    const group = groups.get(hour);
    if (group === undefined) groups.set(hour, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}
