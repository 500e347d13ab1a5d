import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

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

/** A writer puts 8 MiB of records together at most. A few megabytes of gzip unpack to terabytes, if somebody wants. */
const unpackedBytesMax = 64 * 1024 * 1024;

/** The bytes of a `.gz` file are not those of a gzip file, or not all of them, or more than any of ours. */
export class GzipBroken extends Error {}

/**
 * Lines in memory that does not grow with the file, nor with a line. A `.gz` file is unpacked, always from its beginning. Throws what
 * the file system throws, and {@link GzipBroken}.
 */
export async function* readLines(path: string, from = 0, bytesMax = lineBytesMax): AsyncGenerator<FileLine> {
  let parts: Buffer[] = [];
  let held = 0;
  let length = 0;
  let offset = from;
  const take = (part: Buffer) => {
    length += part.length;
    if (held >= bytesMax) return;
    parts.push(part.subarray(0, bytesMax - held));
    held += Math.min(part.length, bytesMax - held);
  };
  const finish = (isComplete: boolean): FileLine => {
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    const line = { bytes, offset, isComplete, isTooLong: length > bytesMax };
    offset += length + 1;
    parts = [];
    held = 0;
    length = 0;
    return line;
  };
  for await (const chunk of chunksOf(path, from)) {
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

async function* chunksOf(path: string, from: number): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { start: from, highWaterMark: 256 * 1024 });
  if (!path.endsWith('.gz')) {
    yield* file as AsyncIterable<Buffer>;
    return;
  }
  // Its error is thrown by the loop over what it gives.
  const unpacked = pipeline(file, createGunzip({ chunkSize: 256 * 1024 }), () => undefined);
  try {
    let bytes = 0;
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > unpackedBytesMax) throw new GzipBroken(`${path} unpacks to more than ${unpackedBytesMax} bytes`);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof GzipBroken) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_') && code !== 'ERR_PADDING_AFTER_MEMBER' && code !== 'ERR_STREAM_PREMATURE_CLOSE')
      throw cause;
    throw new GzipBroken(`${path} is no whole gzip file`, { cause });
  }
}
