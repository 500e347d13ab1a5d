import type { Json } from '../../contract/json.ts';

/** What people are told then. */
export const cutWords =
  'where [cut] or [… more] stands, the arguments are too long to be kept, here and on every page. A yes is for all of them, also for what nobody sees';

/** Of a name; a longer one is cut. */
const nameLengthMax = 256;

/**
 * True where a record left something out of the arguments that people are shown, which is more than masking: what was left out would be sent all the
 * same. It reads the marks of `runtime/gateway/recordable.ts`; arguments that only look like it count as cut, too.
 */
export function isCut(value: Json): boolean {
  if (typeof value === 'string') return value.endsWith('[cut]') || /^\[\d+ more\]$/.test(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(isCut);
  return Object.entries(value).some(([name, member]) => isCutName(name) || isCut(member ?? null));
}

function isCutName(name: string): boolean {
  return name.length >= nameLengthMax || /^\[(?:cut|not shown)\](?:#\d+)?$/.test(name);
}
