import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { type Checkpoint, type CheckpointSigner, parseCheckpoint, signCheckpoint } from './checkpoint.ts';

type Heads = Checkpoint['heads'];

/** The append-only file of a writer's signed checkpoints. */
export interface CheckpointLog {
  /** Signs and appends one, durable when it resolves. One at a time. */
  append(kind: Checkpoint['kind'], heads: Heads, time: string): Promise<void>;
  /** Number of the last one. */
  readonly last: () => number;
}

export interface CheckpointLogState {
  readonly n: number;
  readonly hash: string;
  /** The newest signed head of each chain, by tenant segment. */
  readonly heads: Heads;
  /** Bytes of an unfinished line at the end. */
  readonly tornFrom: number | undefined;
}

export function createCheckpointLog(
  options: { readonly path: string; readonly writer: string; readonly signer: CheckpointSigner },
  start: { readonly n: number; readonly hash: string },
): CheckpointLog {
  let { n, hash } = start;
  return {
    last: () => n,
    async append(kind, heads, time) {
      const checkpoint: Checkpoint = { v: 1, writer: options.writer, n: n + 1, prev: hash, time, kind, heads };
      const line = await signCheckpoint(checkpoint, options.signer);
      const handle = await fs.promises.open(options.path, 'a', 0o600);
      try {
        const { size } = await handle.stat();
        try {
          await handle.appendFile(`${line}\n`, 'ascii');
          await handle.datasync();
        } catch (error) {
          await handle.truncate(size).catch(() => undefined);
          throw error;
        }
      } finally {
        await handle.close();
      }
      n += 1;
      hash = createHash('sha256').update(line, 'ascii').digest('hex');
    },
  };
}

const stepBytes = 1024 * 1024;

/**
 * Reads the end of a checkpoint file: back to the last one that names every chain. Signatures are the verifier's business.
 */
export function readCheckpointLog(path: string): CheckpointLogState {
  const empty = { n: 0, hash: '0'.repeat(64), heads: {}, tornFrom: undefined };
  if (!fs.existsSync(path)) return empty;
  const { size } = fs.statSync(path);
  for (let want = Math.min(size, stepBytes); ; want = Math.min(size, want * 2)) {
    const text = readTail(path, size, want);
    const end = text.lastIndexOf('\n') + 1;
    const lines = text
      .slice(0, end)
      .split('\n')
      .slice(want === size ? 0 : 1, -1);
    const checkpoints = lines.map((line) => parseCheckpoint(line)?.checkpoint);
    const base = checkpoints.findLastIndex((checkpoint) => checkpoint !== undefined && checkpoint.kind !== 'changed');
    if (base < 0 && want < size) continue;
    const heads: Record<string, { seq: number; hash: string }> = {};
    for (const checkpoint of checkpoints.slice(Math.max(base, 0))) Object.assign(heads, checkpoint?.heads);
    const last = checkpoints.findLast((checkpoint) => checkpoint !== undefined);
    return {
      n: last?.n ?? 0,
      hash:
        lines.length === 0
          ? empty.hash
          : createHash('sha256')
              .update(lines.at(-1) ?? '', 'latin1')
              .digest('hex'),
      heads,
      tornFrom: end === text.length ? undefined : size - (text.length - end),
    };
  }
}

function readTail(path: string, size: number, bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  const fd = fs.openSync(path, 'r');
  try {
    fs.readSync(fd, buffer, 0, bytes, size - bytes);
    return buffer.toString('latin1');
  } finally {
    fs.closeSync(fd);
  }
}
