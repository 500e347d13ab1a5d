import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { synthError } from './synth-error.ts';

/** What no two constructs of one platform may both have. */
const kinds = {
  platform: { what: 'The platform name', instead: 'give one of the two another platformName, account or region' },
  server: { what: 'The server name', instead: 'give one of the two another name' },
  tool: { what: 'The tool name', instead: "rename one of the two: a tool's name is unique on the whole platform" },
  priority: { what: 'The listener rule priority', instead: 'set listenerPriority of one of the two, from 1 to 49999' },
};

const ofRoots = new WeakMap<IConstruct, Map<string, IConstruct>>();

/**
 * Takes a name for `claimant`. Sees all stacks of one app, also where the platform was deployed by another one; across apps the registry
 * refuses the second. Stages, accounts and regions have platforms of their own, also of the same name.
 * @throws Error that names both when another construct of the app has it.
 */
export function claim(
  claimant: IConstruct,
  platformName: string,
  kind: keyof typeof kinds,
  value: string | number,
): void {
  const root = rootOf(claimant);
  const claims = ofRoots.get(root) ?? new Map<string, IConstruct>();
  ofRoots.set(root, claims);
  const key = `${keyStart(claimant, platformName, kind)}${value}`;
  const holder = claims.get(key);
  if (holder !== undefined && holder !== claimant) {
    const { what, instead } = kinds[kind];
    throw synthError(claimant, `${what} ${value} belongs to ${holder.node.path} already: ${instead}`);
  }
  claims.set(key, claimant);
}

/** How many of one kind the app has claimed. */
export function countClaims(scope: IConstruct, platformName: string, kind: keyof typeof kinds): number {
  const keys = [...(ofRoots.get(rootOf(scope))?.keys() ?? [])];
  return keys.filter((key) => key.startsWith(keyStart(scope, platformName, kind))).length;
}

function rootOf(scope: IConstruct): IConstruct {
  return cdk.Stage.of(scope) ?? scope.node.root;
}

function keyStart(scope: IConstruct, platformName: string, kind: keyof typeof kinds): string {
  return `${cdk.Stack.of(scope).environment} ${platformName} ${kind} `;
}
