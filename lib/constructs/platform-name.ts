import type { IConstruct } from 'constructs';
import { isLiteral, shown } from './check-props.ts';
import { synthError } from './synth-error.ts';

/** Short enough for what it is put into: table names, parameter paths, a DNS zone. */
const platformName = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;

/** The same in words. */
export const platformNameWords =
  '1 to 32 lower-case letters, digits and inner hyphens that starts with a letter, e.g. "prod"';

/** Whether `name` can name a platform. */
export function isPlatformName(name: unknown): name is string {
  return isLiteral(name, platformName);
}

/** Throws a sentence unless `name` can name a platform; gives it back. */
export function checkPlatformName(scope: IConstruct, name: string): string {
  if (isPlatformName(name)) return name;
  throw synthError(scope, `platformName is ${shown(name)}: give a literal of ${platformNameWords}`);
}
