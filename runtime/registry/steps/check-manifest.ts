import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import schema from '../../contract/capability-manifest.schema.json' with { type: 'json' };
import type { Json } from '../../contract/json.ts';
import type { CapabilityManifest } from '../../contract/registry.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { RegistryDeps } from '../deps.ts';

const violationsMax = 50;
let validate: ValidateFunction<CapabilityManifest> | undefined;

/**
 * Holds a manifest against its published schema and against itself. Throws Refusal `manifest_invalid` with every violation, or
 * `name_taken` when it names another owner than the one who registers it.
 */
export function checkManifest(
  value: Json,
  from: { readonly url: string; readonly owner: string | undefined },
  deps: Pick<RegistryDeps, 'reservedOrigins'>,
): CapabilityManifest {
  validate ??= new Ajv2020({ allErrors: true, logger: false }).compile<CapabilityManifest>(schema);
  if (!validate(value)) throw invalid((validate.errors ?? []).map(sentence));
  const violations = [...crossFieldViolations(value, from.url, deps.reservedOrigins)];
  if (violations.length > 0) throw invalid(violations);
  if (from.owner !== undefined && from.owner !== value.server.owner) {
    throw new Refusal('name_taken', { reason: `The manifest names ${value.server.owner} as its owner.` });
  }
  return value;
}

function* crossFieldViolations(
  { transport, auth, tools }: CapabilityManifest,
  manifestUrl: string,
  reservedOrigins: readonly string[],
): Generator<string> {
  // Calls go to the origin that vouches for the manifest and nowhere else.
  if (URL.parse(transport.url)?.origin !== new URL(manifestUrl).origin) {
    yield 'transport.url is of another origin than the manifest.';
  }
  // A token that the gateway mints for this server must be worth nothing at the gateway's own doors.
  const audience = URL.parse(auth.audience);
  if (audience !== null && reservedOrigins.some((each) => URL.parse(each)?.origin === audience.origin)) {
    yield 'auth.audience belongs to the gateway or its authorization server.';
  }
  const names = new Set<string>();
  for (const { name, scopes, destructive, annotations } of tools) {
    if (names.has(name)) yield `The tool ${name} is there twice.`;
    names.add(name);
    for (const scope of scopes.filter((each) => !auth.scopes.includes(each))) {
      yield `The tool ${name} needs the scope ${scope}, which auth.scopes does not name.`;
    }
    if (destructive && annotations.readOnlyHint === true)
      yield `The tool ${name} is destructive and read-only at once.`;
    if (!destructive && annotations.destructiveHint === true) {
      yield `The tool ${name} has destructiveHint and is not destructive.`;
    }
    // MCP server/tools § ToolAnnotations: without readOnlyHint a tool is taken to change something.
    if (!destructive && annotations.readOnlyHint !== true) {
      yield `The tool ${name} is neither destructive nor has readOnlyHint: say which it is.`;
    }
  }
}

function sentence({ instancePath, message, params }: ErrorObject): string {
  const name = (params as { additionalProperty?: string }).additionalProperty;
  const what = name === undefined ? '' : ` (${JSON.stringify(name).slice(0, 80)})`;
  const where = instancePath === '' ? 'The manifest' : instancePath.slice(1).replaceAll('/', '.');
  return `${where} ${message ?? 'is not valid'}${what}.`;
}

/** The first of them in the sentence, all of them beside it. */
export function invalid(violations: readonly string[]): Refusal {
  return new Refusal('manifest_invalid', {
    reason: `The capability manifest is not valid. ${violations[0] ?? ''}`.trim(),
    violations: violations.slice(0, violationsMax),
  });
}
