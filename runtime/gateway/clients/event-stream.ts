/** One event of a `text/event-stream`, or a comment that keeps the connection alive. */
export type StreamEvent = { readonly kind: 'event'; readonly data: Buffer } | { readonly kind: 'comment' };

/** Reads an event stream as its bytes come. WHATWG HTML § 9.2.6; only `data` matters to MCP without resumption. */
export interface EventStreamReader {
  /** Throws RangeError when one event is larger than the bound. */
  push(chunk: Buffer): StreamEvent[];
  /** True when bytes of an unfinished event are left, so the stream was cut. */
  isMidEvent(): boolean;
}

const lf = 0x0a;
const cr = 0x0d;

export function createEventStreamReader(eventBytesMax: number): EventStreamReader {
  let rest: Buffer = Buffer.alloc(0);
  let data: Buffer[] = [];
  let size = 0;

  return {
    push(chunk) {
      const events: StreamEvent[] = [];
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      // Looked for once: most streams have no CR, and a search a line would go to the end each time.
      const hasCr = bytes.includes(cr);
      let start = 0;
      for (;;) {
        const end = hasCr ? endOfLine(bytes, start) : bytes.indexOf(lf, start);
        if (end === -1) break;
        const line = bytes.subarray(start, end);
        // CR LF is one line end; a CR at the end of a chunk may be its first half.
        if (bytes[end] === cr && end + 1 === bytes.length) break;
        start = end + (bytes[end] === cr && bytes[end + 1] === lf ? 2 : 1);
        readLine(line, events);
      }
      rest = bytes.subarray(start);
      if (rest.length + size > eventBytesMax) throw new RangeError('an event is too large');
      return events;
    },
    isMidEvent: () => data.length > 0 || rest.length > 0,
  };

  function readLine(line: Buffer, events: StreamEvent[]): void {
    if (line.length === 0) {
      if (data.length > 0) events.push({ kind: 'event', data: joinLines(data) });
      data = [];
      size = 0;
    } else if (line[0] === 0x3a) events.push({ kind: 'comment' });
    else if (line.subarray(0, 5).equals(dataField)) {
      const value = line.subarray(line[5] === 0x20 ? 6 : 5);
      size += value.length;
      if (size > eventBytesMax) throw new RangeError('an event is too large');
      // The chunk's memory belongs to the socket's next read.
      data.push(Buffer.from(value));
    }
  }
}

const dataField = Buffer.from('data:');

function endOfLine(bytes: Buffer, from: number): number {
  const a = bytes.indexOf(lf, from);
  const b = bytes.indexOf(cr, from);
  if (a === -1) return b;
  return b === -1 ? a : Math.min(a, b);
}

function joinLines(lines: readonly Buffer[]): Buffer {
  if (lines.length === 1) return lines[0] as Buffer;
  return Buffer.concat(lines.flatMap((line, i) => (i === 0 ? [line] : [Buffer.from('\n'), line])));
}
