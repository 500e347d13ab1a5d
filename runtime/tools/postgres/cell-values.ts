import type { WireCell } from './portal-reader.ts';

/** A cell as JSON. Numbers that a double would change are texts, as are dates, JSON and everything else that JSON has no word for. */
export type Cell = string | number | boolean | null;

// Type oids are fixed: PostgreSQL, src/include/catalog/pg_type.dat.
const readers: Readonly<Record<number, (text: string) => Cell>> = {
  16: (text) => text === 't',
  20: exactNumber,
  21: Number,
  23: Number,
  26: Number,
  700: finiteNumber,
  701: finiteNumber,
  17: (text) => (text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex').toString('base64') : text),
  1114: (text) => text.replace(' ', 'T'),
  1184: (text) => text.replace(' ', 'T').replace(/\+00$/, 'Z'),
};

/** How to read the cells of a column of type `typeOid`. */
export function cellReader(typeOid: number): (cell: WireCell) => Cell {
  const read = readers[typeOid];
  return (cell) => (cell === null || read === undefined ? cell : read(cell));
}

function exactNumber(text: string): Cell {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}

/** NaN and the infinities are no JSON. */
function finiteNumber(text: string): Cell {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}
