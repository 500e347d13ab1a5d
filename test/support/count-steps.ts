import { Session } from 'node:inspector';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Built-in work that grows with what it is given, and how much of it one call does. */
const builtIns: readonly (readonly [
  object,
  string,
  (self: unknown, args: readonly unknown[], out: unknown, lastIndex: number) => number,
])[] = [
  [Array.prototype, 'join', (_self, _args, out) => lengthOf(out)],
  [Array.prototype, 'reverse', lengthOf],
  [Array.prototype, 'includes', lengthOf],
  [Int32Array.prototype, 'slice', (_self, _args, out) => lengthOf(out)],
  [String.prototype, 'slice', (_self, _args, out) => lengthOf(out)],
  [String.prototype, 'indexOf', searched],
  [String.prototype, 'includes', (self) => lengthOf(self)],
  [RegExp.prototype, 'exec', matched],
  [JSON, 'parse', (_self, [text]) => lengthOf(text)],
  [JSON, 'stringify', (_self, _args, out) => lengthOf(out)],
  [Buffer, 'from', (_self, _args, out) => lengthOf(out)],
];

/**
 * How much work `run` is in the sources below `folder`: how often each of their blocks runs, and how many characters and items the built-ins that they call
 * go through. The same on every machine, so that a test can hold how work grows without a clock.
 */
export function countSteps(folder: string, run: () => void): number {
  const session = new Session();
  session.connect();
  const post = (method: string, params: object = {}) => {
    let answer: unknown;
    session.post(method, params, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  };
  let steps = 0;
  const originals = builtIns.map(([owner, name, work]) => {
    const original = Reflect.get(owner, name) as Method;
    Reflect.set(owner, name, function counted(this: unknown, ...args: unknown[]) {
      const { lastIndex } = this as RegExp;
      const out = original.apply(this, args);
      steps += work(this, args, out, lastIndex);
      return out;
    });
    return () => Reflect.set(owner, name, original);
  });
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  try {
    run();
  } finally {
    for (const restore of originals) restore();
  }
  const { result } = post('Profiler.takePreciseCoverage') as Coverage;
  post('Profiler.stopPreciseCoverage');
  session.disconnect();
  for (const { url, functions } of result) {
    if (!url.includes(folder)) continue;
    for (const { ranges } of functions) for (const { count } of ranges) steps += count;
  }
  return steps;
}

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

function lengthOf(value: unknown): number {
  return (value as { readonly length: number } | undefined)?.length ?? 0;
}

function searched(self: unknown, [, from]: readonly unknown[], out: unknown): number {
  const end = Number(out) < 0 ? lengthOf(self) : Number(out);
  return Math.max(0, end - Number(from ?? 0));
}

/** Backtracking is not seen. A sticky pattern, which `split` makes of any, looks at one place. */
function matched(self: unknown, [text]: readonly unknown[], out: unknown, from: number): number {
  const match = out as RegExpExecArray | null;
  const { sticky: isSticky, global: isGlobal } = self as RegExp;
  if (match === null) return isSticky ? 1 : lengthOf(text) - (isGlobal ? from : 0);
  return match.index + match[0].length - (isSticky || isGlobal ? from : 0);
}
