import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Json } from '../../contract/json.ts';
import schema from '../../contract/server-declaration.schema.json' with { type: 'json' };
import type { ServerDeclaration } from '../../contract/server-declaration.ts';
import { JsonError, parseJson } from '../../shared/parse-json.ts';
import { Refusal } from '../../shared/refusal.ts';
import { textFault } from '../steps/lint-text.ts';

const limits = { depthMax: 16, valuesMax: 20_000 };
const violationsMax = 50;
/** What the construct `ToolServer` gives each server. */
const audiencePrefix = 'urn:toolgate:server:';
let validate: ValidateFunction<ServerDeclaration> | undefined;

/**
 * Reads the declaration in the parameter `name`. Throws Refusal `declaration_invalid` with every violation of its schema and of itself.
 * `toolDomain`: a host below it must be the server's own.
 */
export function readDeclaration(name: string, text: string, toolDomain: string | undefined): ServerDeclaration {
  const value = parse(text);
  validate ??= new Ajv2020({ allErrors: true, logger: false }).compile<ServerDeclaration>(schema);
  if (!validate(value)) throw invalid((validate.errors ?? []).map(sentence));
  const violations = [...crossFieldViolations(value, name, toolDomain)];
  if (violations.length > 0) throw invalid(violations);
  return value;
}

function parse(text: string): Json {
  try {
    return parseJson(Buffer.from(text), limits);
  } catch (error) {
    if (error instanceof JsonError) throw invalid([error.message.replace('The body', 'The declaration')]);
    throw error;
  }
}

function* crossFieldViolations(
  { name, url, audience, tools, scopes }: ServerDeclaration,
  parameter: string,
  toolDomain: string | undefined,
): Generator<string> {
  if (name !== parameter) yield `name is ${name}, but the parameter is called ${parameter}: they must be the same.`;
  const parsed = URL.parse(url);
  if (parsed === null || parsed.origin !== url) {
    yield `url is ${url}: it must be an origin in lower case, without a path and without a default port.`;
  } else if (
    toolDomain !== undefined &&
    isBelow(parsed.hostname, toolDomain) &&
    parsed.hostname !== `${name}.${toolDomain}`
  ) {
    // Otherwise one team could have the platform call another team's server in its own name.
    yield `url names the host ${parsed.hostname}: below the tool domain the host of this server is ${name}.${toolDomain}.`;
  }
  if (audience.startsWith(audiencePrefix) && audience !== audiencePrefix + name) {
    // Otherwise one team could take another's before it comes, and would be given tokens that are good there.
    yield `audience is ${audience}: below ${audiencePrefix} that of this server is ${audiencePrefix}${name}.`;
  }
  const needed = new Set<string>();
  const names = new Set<string>();
  for (const tool of tools) {
    if (names.has(tool.name)) yield `The tool ${tool.name} is declared twice.`;
    names.add(tool.name);
    for (const scope of tool.scopes) {
      needed.add(scope);
      if (!Object.hasOwn(scopes, scope))
        yield `The tool ${tool.name} needs the scope ${scope}, which scopes does not have.`;
    }
    // A scope that changes nothing is granted without being asked for by name.
    if (tool.destructive && !tool.scopes.some((scope) => scopes[scope]?.changes)) {
      yield `The tool ${tool.name} is destructive, so one of its scopes must have "changes": true.`;
    }
  }
  for (const [scope, { words }] of Object.entries(scopes)) {
    if (!needed.has(scope)) yield `No tool needs the scope ${scope}.`;
    const fault = textFault(words);
    if (fault !== undefined) yield `Of scope ${scope}, the text of words ${fault}.`;
  }
}

function isBelow(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function sentence({ instancePath, keyword, message, params }: ErrorObject): string {
  const { additionalProperty, allowedValue } = params as { additionalProperty?: string; allowedValue?: unknown };
  const where = instancePath === '' ? 'The declaration' : instancePath.slice(1).replaceAll('/', '.').slice(0, 200);
  if (keyword === 'additionalProperties') {
    return `${where} must not have the member ${JSON.stringify(additionalProperty).slice(0, 80)}.`;
  }
  if (keyword === 'const') return `${where} must be ${JSON.stringify(allowedValue)}.`;
  return `${where} ${message ?? 'is not valid'}.`;
}

function invalid(violations: readonly string[]): Refusal {
  return new Refusal('declaration_invalid', {
    reason: `The declaration is not valid. ${violations[0] ?? ''}`.trim(),
    violations: violations.slice(0, violationsMax),
  });
}
