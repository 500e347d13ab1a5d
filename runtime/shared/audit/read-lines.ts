import { createReadStream } from 'node:fs';

/** One line of a file, without its newline. */
export interface FileLine {
  readonly bytes: Buffer;
  /** Of its first byte in the file. */
  readonly offset: number;
  /** False for bytes after the last newline. */
  readonly isComplete: boolean;
  /** The line is longer than allowed: `bytes` is only its beginning. */
  readonly isTooLong: boolean;
}

/** No line of ours is longer: an event has at most 256 KiB, and its place in the chain a few hundred bytes. */
export const lineBytesMax = 1024 * 1024;

/** Lines in memory that does not grow with the file, nor with a line. Throws what the file system throws. */
export async function* readLines(path: string, from = 0): AsyncGenerator<FileLine> {
  let parts: Buffer[] = [];
  let held = 0;
  let length = 0;
  let offset = from;
  const take = (part: Buffer) => {
    length += part.length;
    if (held >= lineBytesMax) return;
    parts.push(part.subarray(0, lineBytesMax - held));
    held += Math.min(part.length, lineBytesMax - held);
  };
  const finish = (isComplete: boolean): FileLine => {
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    const line = { bytes, offset, isComplete, isTooLong: length > lineBytesMax };
    offset += length + 1;
    parts = [];
    held = 0;
    length = 0;
    return line;
  };
  for await (const chunk of createReadStream(path, {
    start: from,
    highWaterMark: 256 * 1024,
  }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      take(chunk.subarray(start, end));
      yield finish(true);
      start = end + 1;
    }
    take(chunk.subarray(start));
  }
  if (length > 0) yield finish(false);
}
