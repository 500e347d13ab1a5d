import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { synthError } from './synth-error.ts';

/** A value as a sentence names it. */
export function shown(value: unknown): string {
  const isToken = value instanceof cdk.Duration ? value.isUnresolved() : cdk.Token.isUnresolved(value);
  if (isToken) return 'a token';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Whether `value` is a text that is known at synth and fits `pattern`; a pattern alone takes undefined for "undefined". */
export function isLiteral(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && !cdk.Token.isUnresolved(value) && pattern.test(value);
}

/**
 * Throws unless each of `names` is given. Types say so too, but plain JavaScript and `process.env.X!` get past them.
 * @param path what stands before a name in the sentence, e.g. `slack.`
 */
export function requireProps(scope: IConstruct, props: object, names: readonly string[], path = ''): void {
  for (const name of names) {
    const value: unknown = (props as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || value === null)
      throw synthError(scope, `${path}${name} is ${value}, and it is required: give it`);
  }
}

/** Throws when one of `props` is given beside `part`, a part of one's own that decides these itself. */
export function refuseBeside(scope: IConstruct, part: string, props: object): void {
  const given = Object.entries(props).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw synthError(
    scope,
    `${given[0]} is given, and ${part} too, which brings that along: leave ${given[0]} away, or leave ${part} away`,
  );
}

/** Throws unless `value` is a duration; plain JavaScript gives texts, numbers and null as well. */
export function checkDuration(scope: IConstruct, prop: string, value: unknown): void {
  if (value instanceof cdk.Duration) return;
  throw synthError(scope, `${prop} is ${shown(value)}: give a Duration, e.g. Duration.hours(1)`);
}

/** What a duration may be. */
export interface DurationRange {
  readonly minMs: number;
  readonly maxMs: number;
  /** What it is a multiple of. */
  readonly stepMs: number;
  /** The same in words. */
  readonly allowed: string;
}

/** Milliseconds of a duration that is known at synth; throws unless it is within the range. */
export function durationMs(
  scope: IConstruct,
  prop: string,
  duration: cdk.Duration,
  { minMs, maxMs, stepMs, allowed }: DurationRange,
): number {
  checkDuration(scope, prop, duration);
  const ms = duration.isUnresolved() ? Number.NaN : duration.toMilliseconds({ integral: false });
  if (Number.isInteger(ms / stepMs) && ms >= minMs && ms <= maxMs) return ms;
  const given = duration.isUnresolved() ? shown(duration) : `${ms / 1000} seconds`;
  throw synthError(scope, `${prop} is ${given}: give ${allowed} that are known at synth`);
}

/** Throws unless `value` is a whole number from `min` to `max` that is known at synth. */
export function checkWhole(scope: IConstruct, prop: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw synthError(scope, `${prop} is ${shown(value)}: give a whole number from ${min} to ${max}`);
}
