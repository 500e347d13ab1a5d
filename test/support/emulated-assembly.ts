import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PolicyDocument } from './iam-policy.ts';

/** Something that an emulator cannot deploy. */
export interface Gap {
  readonly type: string;
  /** Said of resources of this type that it can and those that it cannot. @default all of them */
  readonly when?: (properties: Readonly<Record<string, unknown>>) => boolean;
}

/** What was left out of a cloud assembly so that an emulator takes it. */
export interface LeftOut {
  /** The gaps that the templates have resources for, by type, with how many. */
  readonly types: ReadonlyMap<string, number>;
  readonly resources: number;
  readonly ofResources: number;
  /** The policies of roles, for {@link resolvePolicies}. */
  readonly policies: readonly TemplatePolicy[];
}

/** A policy of a template, with `{ output }` in the place of everything that only a deployment knows. */
export interface TemplatePolicy {
  readonly stack: string;
  /** Outputs that name its roles. */
  readonly roles: readonly unknown[];
  readonly document: unknown;
}

interface Template {
  Resources: Record<string, { Type: string; DependsOn?: string | string[]; Properties?: Record<string, unknown> }>;
  Outputs?: Record<string, unknown>;
}

/**
 * Copies the cloud assembly `from` to `to` without what falls into the `gaps` of the emulator, and without container images, which only Docker can
 * build. What refers to a resource that is left out refers to a name made up for it, so that the rest deploys.
 */
export function copyForEmulator(from: string, to: string, gaps: readonly Gap[]): LeftOut {
  cpSync(from, to, { recursive: true });
  const types = new Map<string, number>();
  let [resources, ofResources] = [0, 0];
  const policies: TemplatePolicy[] = [];
  for (const name of filesBelow(to)) {
    if (name.endsWith('.assets.json')) writeJson(name, { ...readJson(name), dockerImages: {} });
    if (!name.endsWith('.template.json')) continue;
    const template = withoutTimeouts(name) as unknown as Template;
    const missing = new Set<string>();
    for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources)) {
      ofResources += 1;
      if (!gaps.some(({ type, when }) => type === Type && (when?.(Properties) ?? true))) continue;
      missing.add(id);
      types.set(Type, (types.get(Type) ?? 0) + 1);
      resources += 1;
    }
    const kept = Object.entries(template.Resources).filter(([id]) => !missing.has(id));
    for (const [, resource] of kept) {
      const on = [resource.DependsOn ?? []].flat().filter((id) => !missing.has(id));
      if (on.length > 0) resource.DependsOn = on;
      else delete resource.DependsOn;
    }
    template.Resources = Object.fromEntries(kept);
    const deployable = withoutReferences(template, missing) as Template;
    policies.push(...outputPolicies(deployable, basename(name, '.template.json')));
    writeJson(name, deployable);
  }
  return { types, resources, ofResources, policies };
}

/**
 * Adds an output for each reference in a policy, so that the emulator resolves them: ministack deploys policies, but cannot read them
 * back.
 */
function outputPolicies(template: Template, stack: string): TemplatePolicy[] {
  template.Outputs ??= {};
  const { Outputs } = template;
  let outputs = 0;
  const collect = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(collect);
    if (typeof value !== 'object' || value === null) return value;
    const [only, ...more] = Object.keys(value);
    if (more.length === 0 && (only === 'Ref' || only?.startsWith('Fn::') === true)) {
      outputs += 1;
      const output = `Reference${outputs}`;
      Outputs[output] = { Value: value };
      return { output };
    }
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, collect(member)]));
  };
  return Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::IAM::Policy')
    .map(({ Properties }) => {
      const { Roles = [], PolicyDocument: document } = Properties as { Roles?: unknown[]; PolicyDocument?: unknown };
      return { stack, roles: Roles.map(collect), document: collect(document) };
    });
}

/** The policies by the name of their role, with the outputs of each stack in their places. */
export function resolvePolicies(
  policies: readonly TemplatePolicy[],
  outputOf: (stack: string, output: string) => string,
): ReadonlyMap<string, readonly PolicyDocument[]> {
  const found = new Map<string, PolicyDocument[]>();
  for (const { stack, roles, document } of policies) {
    const fill = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(fill);
      if (typeof value !== 'object' || value === null) return value;
      if ('output' in value) return outputOf(stack, String(value.output));
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fill(member)]));
    };
    for (const role of roles) {
      const name = String(fill(role));
      found.set(name, [...(found.get(name) ?? []), fill(document) as PolicyDocument]);
    }
  }
  return found;
}

/** Replaces references to what is missing by a text that says so. */
function withoutReferences(value: unknown, missing: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutReferences(item, missing));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    const [key, target] = only;
    if (key === 'Ref' && missing.has(String(target))) return `left-out-${target}`;
    if (key === 'Fn::GetAtt') {
      const [id, attribute] = Array.isArray(target) ? target : String(target).split('.');
      if (missing.has(String(id))) return `left-out-${id}-${attribute}`;
    }
    if (key === 'Fn::Sub') {
      const text = Array.isArray(target) ? target[0] : target;
      for (const id of missing) {
        if (new RegExp(`\\$\\{${id}[.}]`).test(String(text)))
          throw new Error(`Fn::Sub refers to ${id}, which is left out`);
      }
    }
  }
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutReferences(member, missing)]));
}

/** ministack compares whatever a timeout says with a number, an expression too. */
function withoutTimeouts(path: string): Record<string, unknown> {
  const text = readFileSync(path, 'utf8');
  return JSON.parse(text.replaceAll(/\\"TimeoutSeconds\\":\\"\{%.*?%\}\\"/g, '\\"TimeoutSeconds\\":86400'));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    // Assets are what they are; only nested assemblies hold templates of their own.
    if (entry.isDirectory()) return existsSync(join(path, 'manifest.json')) ? filesBelow(path) : [];
    return [path];
  });
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value, null, 1));
}
