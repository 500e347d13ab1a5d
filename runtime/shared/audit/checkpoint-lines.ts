import fs from 'node:fs';
import { join } from 'node:path';
import { parseCheckpointObjectName } from './audit-layout.ts';
import { readLines } from './read-lines.ts';

/** Where a checkpoint stands. */
export interface Place {
  /** Relative to the audit directory. */
  readonly file: string;
  /** Of a file that holds several. */
  readonly line?: number;
}

export interface CheckpointLine extends Place {
  readonly bytes: Buffer;
  readonly isComplete: boolean;
  readonly isTooLong: boolean;
  /** The number that an object's name says. */
  readonly n?: number;
}

/** Some 90,000 tenants of one process: a checkpoint may name the head of each. */
const checkpointBytesMax = 16 * 1024 * 1024;

/** The file or the folder of a writer's checkpoints. */
export function checkpointPlace(directory: string, writer: string): string {
  const folder = `heads/${writer}`;
  return fs.existsSync(join(directory, folder)) ? folder : `${folder}.jsonl`;
}

/** The checkpoints of a writer in their order, whether they are lines of one file or objects. */
export async function* checkpointLines(directory: string, writer: string): AsyncGenerator<CheckpointLine> {
  const file = `heads/${writer}.jsonl`;
  if (fs.existsSync(join(directory, file))) {
    let line = 0;
    for await (const read of readLines(join(directory, file), 0, checkpointBytesMax)) {
      line += 1;
      yield { bytes: read.bytes, isComplete: read.isComplete, isTooLong: read.isTooLong, file, line };
    }
  }
  const folder = `heads/${writer}`;
  const names = fs.existsSync(join(directory, folder)) ? fs.readdirSync(join(directory, folder)).sort() : [];
  for (const name of names.filter((each) => each.endsWith('.jws'))) {
    const path = join(directory, folder, name);
    const isTooLong = fs.statSync(path).size > checkpointBytesMax;
    const bytes = isTooLong ? Buffer.alloc(0) : fs.readFileSync(path);
    const n = parseCheckpointObjectName(name)?.n ?? 0;
    yield { bytes, isComplete: true, isTooLong, file: `${folder}/${name}`, n };
  }
}
