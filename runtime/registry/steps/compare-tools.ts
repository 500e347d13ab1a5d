import type { Json, JsonObject } from '../../contract/json.ts';
import type { CapabilityManifest } from '../../contract/registry.ts';
import { canonicalSha256 } from '../../shared/canonical-json.ts';
import { invalid } from './check-manifest.ts';

const fields = ['name', 'title', 'description', 'inputSchema', 'outputSchema'] as const;

/**
 * Holds the manifest against what the server itself answers to `tools/list`: what is registered must be what is there. Throws Refusal
 * `manifest_invalid` naming every difference.
 */
export function compareTools(manifest: CapabilityManifest, listed: readonly Json[]): void {
  const faults: string[] = [];
  const byName = new Map<string, JsonObject>();
  for (const tool of listed) {
    const name = isObject(tool) ? tool.name : undefined;
    if (!isObject(tool) || typeof name !== 'string') faults.push('tools/list has an entry without a name.');
    else if (byName.has(name)) faults.push(`tools/list has ${show(name)} twice.`);
    else byName.set(name, tool);
  }
  for (const tool of manifest.tools) {
    const own = byName.get(tool.name);
    byName.delete(tool.name);
    if (own === undefined) faults.push(`tools/list does not have ${tool.name}.`);
    else {
      const declared: JsonObject = { ...tool, annotations: { ...tool.annotations } };
      const different = [...fields, 'annotations' as const].filter(
        (field) => !isSame(declared[field], own[field], field),
      );
      if (different.length > 0) faults.push(`tools/list has another ${different.join(', ')} for ${tool.name}.`);
    }
  }
  for (const name of byName.keys()) faults.push(`tools/list has ${show(name)}, which the manifest does not.`);
  if (faults.length > 0) throw invalid(faults);
}

function isSame(declared: Json | undefined, own: Json | undefined, field: string): boolean {
  // A server may leave out annotations that say nothing.
  const [a, b] = field === 'annotations' ? [declared ?? {}, own ?? {}] : [declared, own];
  if (a === undefined || b === undefined) return a === b;
  return canonicalSha256(a) === canonicalSha256(b);
}

/** Names from the wire may hold anything. */
function show(name: string): string {
  return JSON.stringify(name).slice(0, 80);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
