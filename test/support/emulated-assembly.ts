import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What was left out of a cloud assembly so that an emulator takes it. */
export interface LeftOut {
  /** Resource types that the emulator lacks and the templates have, with how many resources of each. */
  readonly types: ReadonlyMap<string, number>;
  readonly resources: number;
  readonly ofResources: number;
}

interface Template {
  Resources: Record<string, { Type: string; DependsOn?: string | string[]; Properties?: unknown }>;
  Outputs?: Record<string, unknown>;
}

/**
 * Copies the cloud assembly `from` to `to` without resources of the `unsupported` types and without container images, which only Docker can
 * build. What refers to a resource that is left out refers to a name made up for it, so that the rest deploys.
 */
export function copyForEmulator(from: string, to: string, unsupported: ReadonlySet<string>): LeftOut {
  cpSync(from, to, { recursive: true });
  const types = new Map<string, number>();
  let [resources, ofResources] = [0, 0];
  for (const name of filesBelow(to)) {
    if (name.endsWith('.assets.json')) writeJson(name, { ...readJson(name), dockerImages: {} });
    if (!name.endsWith('.template.json')) continue;
    const template = readJson(name) as unknown as Template;
    const missing = new Set<string>();
    for (const [id, { Type }] of Object.entries(template.Resources)) {
      ofResources += 1;
      if (!unsupported.has(Type)) continue;
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
    writeJson(name, withoutReferences(template, missing));
  }
  return { types, resources, ofResources };
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
