import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PolicyInput, PolicyTool } from '../../runtime/contract/decision.ts';
import { parseBase, parseTenants } from '../../runtime/contract/policy-data.ts';
import type { Canary } from '../../runtime/shared/policy-canaries.ts';
import {
  compileWasm,
  createPolicyEvaluator,
  instantiateOpa,
  type PolicyEvaluator,
} from '../../runtime/shared/policy-evaluator.ts';

export const policiesFolder = fileURLToPath(new URL('../../policies', import.meta.url));
export const revision = 'test00000000';
export const base = parseBase(readFileSync(`${policiesFolder}/data/base.json`, 'utf8'));
export const tenants = parseTenants(readFileSync(`${policiesFolder}/data/tenants.json`, 'utf8'));

export type Vector = Canary;

/** Every decision vector, in the order of the files. */
export function readVectors(): readonly Vector[] {
  const folder = fileURLToPath(new URL('./vectors', import.meta.url));
  const files = globSync('*.json', { cwd: folder }).sort();
  return files.flatMap((file) => JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Vector[]);
}

/** The committed Wasm with the committed data. */
export async function createEvaluator(): Promise<PolicyEvaluator> {
  const module = await compileWasm(Uint8Array.from(readFileSync(`${policiesFolder}/dist/policy.wasm`)));
  return createPolicyEvaluator(module, { base, revision }, instantiateOpa);
}

export const tools: readonly PolicyTool[] = [
  tool('postgres.readonly', 'read', 'postgres:query:readonly', false),
  tool('postgres.write', 'write', 'postgres:write', true),
  tool('s3.list', 'read', 's3:list', false),
];

/** A call that is answered with yes; members of `changes` take the place of its own. */
export function sampleCall(changes: Partial<PolicyInput> = {}): PolicyInput {
  return {
    now_ms: 1_790_000_000_000,
    method: 'tools/call',
    caller: {
      subject: 'user-1',
      tenant: 'acme',
      kind: 'human',
      roles: ['reader'],
      scopes: ['postgres:query:readonly', 's3:list'],
      client_id: 'client-1',
    },
    tool: tools[0] as PolicyTool,
    server: 'read',
    request: { bytes: 300 },
    tenant: tenants.get('acme') as NonNullable<PolicyInput['tenant']>,
    elevations: [],
    ...changes,
  };
}

function tool(name: string, server: string, scope: string, destructive: boolean): PolicyTool {
  return { name, server, version: '1.0.0', scopes: [scope], destructive, definition_hash: 'd'.repeat(64) };
}
