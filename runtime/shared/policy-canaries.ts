import { isDeepStrictEqual } from 'node:util';
import { BundleFault } from '../contract/policy-data.ts';
import { isRecord } from '../contract/policy-values.ts';
import { onlyResult } from './policy-answer.ts';
import type { Entrypoint, PolicyEvaluator } from './policy-evaluator.ts';

/** A question with a known answer that a bundle must give before it is used. */
export interface Canary {
  readonly name: string;
  readonly entrypoint: Entrypoint;
  readonly input: Readonly<Record<string, unknown>>;
  /** Members of the answer that must be equal; a list for `visible`. */
  readonly expect: Readonly<Record<string, unknown>> | readonly unknown[];
}

/** What holds for every policy, whatever its bundle says of itself: nothing known is a no. */
const always: readonly Canary[] = [
  { name: 'an empty question is a no', entrypoint: 'mcp/authz/decision', input: {}, expect: { allow: false } },
  { name: 'nobody sees a tool', entrypoint: 'mcp/authz/visible', input: {}, expect: [] },
  { name: 'an uncounted call is a no', entrypoint: 'mcp/quota/decision', input: {}, expect: { allow: false } },
  { name: 'nobody approves anything', entrypoint: 'mcp/approval/decision', input: {}, expect: { allow: false } },
];

/** The canaries of `canaries.json`: at least one yes and one no. Throws {@link BundleFault}. */
export function parseCanaries(value: unknown): readonly Canary[] {
  if (!Array.isArray(value) || !value.every(isCanary)) {
    throw new BundleFault('canaries.json is not a list of {name, entrypoint, input, expect}');
  }
  for (const allow of [true, false]) {
    if (!value.some(({ expect }) => !Array.isArray(expect) && (expect as { allow?: unknown }).allow === allow)) {
      throw new BundleFault(`canaries.json expects no ${allow ? 'yes' : 'no'} of anything`);
    }
  }
  return value;
}

/** Asks every canary. Throws {@link BundleFault} that names the first wrong answer. */
export function askCanaries(evaluator: PolicyEvaluator, canaries: readonly Canary[]): void {
  for (const { name, entrypoint, input, expect } of [...always, ...canaries]) {
    let answer: unknown;
    try {
      answer = onlyResult(evaluator.evaluate(input, entrypoint));
    } catch (cause) {
      throw new BundleFault(`the canary "${name}" got no answer`, { cause });
    }
    if (!holds(answer, expect)) throw new BundleFault(`the canary "${name}" got the wrong answer`);
  }
}

/** Whether `answer` has every member of `expect`; lists are compared whole, without order. */
export function holds(answer: unknown, expect: Canary['expect']): boolean {
  if (Array.isArray(expect)) return Array.isArray(answer) && isDeepStrictEqual(answer.toSorted(), expect.toSorted());
  return isRecord(answer) && Object.entries(expect).every(([key, value]) => isDeepStrictEqual(answer[key], value));
}

function isCanary(value: unknown): value is Canary {
  return (
    isRecord(value) &&
    typeof value.name === 'string' &&
    typeof value.entrypoint === 'string' &&
    isRecord(value.input) &&
    (isRecord(value.expect) || Array.isArray(value.expect))
  );
}
