import { checkpointObjectKey, zeroHash } from './audit-layout.ts';
import { type AuditObjects, sha256Hex } from './audit-objects.ts';
import { type Checkpoint, type CheckpointSigner, signCheckpoint } from './checkpoint.ts';
import type { CheckpointLog } from './checkpoint-log.ts';
import { storeObject } from './store-object.ts';

const attemptsMax = 4;

/** The signed checkpoints of a process that begins its chains, one object each. */
export function createObjectCheckpointLog(options: {
  readonly writer: string;
  readonly signer: CheckpointSigner;
  readonly objects: AuditObjects;
}): CheckpointLog {
  const { writer, signer, objects } = options;
  let n = 0;
  let hash = zeroHash;
  /** Signed, and perhaps stored: signing again would make another object of the same number. */
  let unsure: Buffer | undefined;

  async function store(line: Buffer): Promise<void> {
    const sha256 = sha256Hex(line);
    const key = checkpointObjectKey(writer, n + 1, sha256);
    await storeObject(objects, { key, bytes: line, contentType: 'application/jose' }, { attemptsMax });
    n += 1;
    hash = sha256;
    unsure = undefined;
  }

  return {
    last: () => n,
    async append(kind, heads, time) {
      if (unsure !== undefined) await store(unsure);
      const checkpoint: Checkpoint = { v: 1, writer, n: n + 1, prev: hash, time, kind, heads };
      unsure = Buffer.from(await signCheckpoint(checkpoint, signer), 'ascii');
      await store(unsure);
    },
  };
}
