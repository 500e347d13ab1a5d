import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { synthError } from './synth-error.ts';

/** Short enough for what it is put into: table names, parameter paths, a DNS zone. */
const platformName = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;

/** Throws a sentence unless `name` can name a platform; gives it back. */
export function checkPlatformName(scope: IConstruct, name: string): string {
  if (!cdk.Token.isUnresolved(name) && platformName.test(name)) return name;
  const given = cdk.Token.isUnresolved(name) ? 'a token' : JSON.stringify(name);
  throw synthError(
    scope,
    `platformName is ${given}: give a literal of 1 to 32 lower-case letters, digits and inner hyphens that starts with a letter, e.g. "prod"`,
  );
}
