import type { Json } from '../contract/json.ts';

const CUT = '[cut]';

/**
 * The beginning of a value, no longer than `bytesMax` as JSON text in UTF-8: whole members as far as they fit, then what fits of the next. A text
 * ends at a whole character and says so. The very same value when all of it fits.
 */
export function jsonBeginning(value: Json, bytesMax: number): Json {
  const beginning = begin(value, bytesMax);
  return beginning === undefined ? CUT : beginning;
}

/** Bytes as JSON text. What seems short may be long there: a control character is six. */
export function jsonBytes(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Undefined where nothing of it fits. */
function begin(value: Json, bytesMax: number): Json | undefined {
  if (jsonBytes(value) <= bytesMax) return value;
  if (typeof value === 'string') return beginText(value, bytesMax);
  if (typeof value !== 'object' || value === null || bytesMax < 2) return undefined;
  return Array.isArray(value)
    ? beginMembers(value.entries(), () => 0, bytesMax).map(([, item]) => item)
    : Object.fromEntries(
        beginMembers(Object.entries(value) as [string, Json][], (name) => jsonBytes(name) + 1, bytesMax),
      );
}

/** The members of a list or an object, until one is not whole. */
function beginMembers<Name>(
  members: Iterable<readonly [Name, Json]>,
  nameBytes: (name: Name) => number,
  bytesMax: number,
): readonly (readonly [Name, Json])[] {
  const kept: (readonly [Name, Json])[] = [];
  // Two brackets, and a comma less than there are members.
  let left = bytesMax - 1;
  for (const [name, member] of members) {
    left -= nameBytes(name) + 1;
    const part = begin(member, left);
    if (part !== undefined) kept.push([name, part]);
    if (part !== member) break;
    left -= jsonBytes(part);
  }
  return kept;
}

function beginText(text: string, bytesMax: number): string | undefined {
  let left = bytesMax - jsonBytes(CUT);
  if (left < 0) return undefined;
  let end = 0;
  for (const character of text) {
    left -= jsonBytes(character) - jsonBytes('');
    if (left < 0) break;
    end += character.length;
  }
  return `${text.slice(0, end)}${CUT}`;
}
