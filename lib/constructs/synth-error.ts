import type { IConstruct } from 'constructs';

/**
 * The error of a construct that was given something it cannot work with. The path of the construct stands before the sentence, which
 * names the prop, the bad value, the allowed ones and what to do.
 *
 *     throw synthError(this, `slo.availability is 101: give a percentage from 50 to 99.999`);
 */
export function synthError(scope: IConstruct, sentence: string): Error {
  return new Error(`${scope.node.path}: ${sentence}`);
}
