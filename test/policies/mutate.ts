/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const junk: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  9_007_199_254_740_991,
  '',
  'reader',
  '10',
  [],
  ['reader'],
  {},
  { a: 'reader' },
  'postgres.write',
  'tools/call',
];

/** A copy of `value` with one to three members anywhere in it removed or replaced by something of another kind. */
export function mutate<T extends object>(value: T, random: () => number): T {
  const copy = structuredClone(value) as Record<string, unknown>;
  for (let left = 1 + Math.floor(random() * 3); left > 0; left -= 1) {
    const places = placesOf(copy);
    const place = places[Math.floor(random() * places.length)];
    if (place === undefined) continue;
    const [parent, key] = place;
    if (random() < 0.4 && !Array.isArray(parent)) delete parent[key];
    else parent[key] = structuredClone(junk[Math.floor(random() * junk.length)]);
  }
  return copy as T;
}

function placesOf(value: unknown): readonly (readonly [Record<string, unknown>, string])[] {
  if (typeof value !== 'object' || value === null) return [];
  const parent = value as Record<string, unknown>;
  return Object.keys(parent).flatMap((key) => [[parent, key] as const, ...placesOf(parent[key])]);
}
