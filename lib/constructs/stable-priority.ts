import { createHash } from 'node:crypto';

/** Numbers that rules of one kind may have, both ends included. */
export interface PriorityBlock {
  readonly min: number;
  readonly max: number;
}

/**
 * The same in every deployment, so that a rule that comes or goes never moves another one's. CloudFormation changes rules one by one, and a load
 * balancer refuses a priority that another rule still has.
 */
export function stablePriority(name: string, { min, max }: PriorityBlock): number {
  return min + (createHash('sha256').update(name).digest().readUInt32BE(0) % (max - min + 1));
}
