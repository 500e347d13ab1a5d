import fs from 'node:fs';
import type { AuditFiles } from './audit-files.ts';

/** The last acknowledged record of a chain, and where its line ends. */
export interface AcknowledgedHead {
  readonly seq: number;
  readonly hash: string;
  /** Relative to the audit directory. */
  readonly file: string;
  /** Bytes of the file up to and with the newline of this record. */
  readonly bytes: number;
}

/**
 * One file a writer, one line of 512 bytes a chain, rewritten in place before an append is acknowledged. It is in the page cache
 * then, so it survives the process but not a power cut, after which it may be older than the records, never newer.
 */
export interface HeadSlots {
  /** Throws what the file system throws. */
  store(segment: string, head: AcknowledgedHead): void;
  /** Makes the file anew when it is gone from its path. */
  ensure(): void;
  close(): void;
}

const slotBytes = 512;

export function openHeadSlots(path: string, files: AuditFiles): HeadSlots {
  const heads = readHeadSlots(path);
  const slots = new Map<string, number>();
  let fd = open();

  function open(): number {
    slots.clear();
    let text = '';
    for (const [segment, head] of heads) {
      slots.set(segment, slots.size);
      text += slotText(segment, head);
    }
    // Made anew beside and renamed, so that no crash loses the heads there are.
    fs.writeFileSync(`${path}.new`, text, { mode: 0o600 });
    fs.renameSync(`${path}.new`, path);
    return fs.openSync(path, 'r+');
  }

  return {
    store(segment, head) {
      const slot = slots.get(segment) ?? slots.size;
      files.writeCached(fd, Buffer.from(slotText(segment, head), 'latin1'), slot * slotBytes);
      slots.set(segment, slot);
      heads.set(segment, head);
    },
    ensure() {
      if (files.look(path)?.ino === fs.fstatSync(fd).ino) return;
      fs.closeSync(fd);
      fd = open();
    },
    close: () => fs.closeSync(fd),
  };
}

function slotText(segment: string, head: AcknowledgedHead): string {
  return `${JSON.stringify({ tenant: segment, ...head }).padEnd(slotBytes - 1, ' ')}\n`;
}

/** The stored heads by tenant segment. A line that is not one (a power cut tore it) is left out. */
export function readHeadSlots(path: string): Map<string, AcknowledgedHead> {
  const heads = new Map<string, AcknowledgedHead>();
  if (!fs.existsSync(path)) return heads;
  for (const line of fs.readFileSync(path, 'latin1').split('\n')) {
    const head = parseSlot(line);
    if (head !== undefined)
      heads.set(head.tenant, { seq: head.seq, hash: head.hash, file: head.file, bytes: head.bytes });
  }
  return heads;
}

function parseSlot(line: string): (AcknowledgedHead & { tenant: string }) | undefined {
  try {
    const { tenant, seq, hash, file, bytes } = JSON.parse(line);
    const isHead =
      typeof tenant === 'string' &&
      Number.isSafeInteger(seq) &&
      seq > 0 &&
      typeof hash === 'string' &&
      /^[0-9a-f]{64}$/.test(hash) &&
      typeof file === 'string' &&
      Number.isSafeInteger(bytes);
    return isHead ? { tenant, seq, hash, file, bytes } : undefined;
  } catch {
    return undefined;
  }
}
