import type { TenantSettings } from './decision.ts';
import { isCount, isMaskedColumn, isRecord, isWindowTerms } from './policy-values.ts';

/** A file of the bundle that is not what it must be; the message says where, in words for the one who wrote the file. */
export class BundleFault extends Error {}

const tenantName = /^[a-z0-9][a-z0-9-]{0,62}$/;
const roleName = /^[a-z][a-z0-9-]{0,62}$/;
const toolName = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;
const serverName = /^[a-z][a-z0-9-]{0,62}$/;
const methodName = /^[a-zA-Z]+(?:\/[a-zA-Z]+)*$/;

type Check = (value: unknown, where: string) => void;

const baseChecks: Readonly<Record<string, Check>> = {
  calls_per_minute: isLimit,
  request_bytes_max: isLimit,
  result_bytes_max: isLimit,
  rows_max: isLimit,
  disabled_tools: listOf(toolName),
  masked_columns: areMaskedColumns,
  methods: (value, where) =>
    checkFields(value, where, { discovery: listOf(methodName), server: listOf(methodName) }, true),
};

const tenantChecks: Readonly<Record<string, Check>> = {
  tools_by_role: mapOf(roleName, listOf(toolName)),
  servers_by_role: mapOf(roleName, listOf(serverName)),
  calls_per_minute: mapOf(toolName, isLimit),
  request_bytes_max: mapOf(toolName, isLimit),
  result_bytes_max: mapOf(toolName, isLimit),
  masked_columns: areMaskedColumns,
  disabled_tools: listOf(toolName),
  unredacted_tools: listOf(toolName),
  same_person: areAccounts,
  step_up_servers: listOf(serverName),
  windows: mapOf(toolName, isWindow),
};

/** The value of `base.json`, checked: `{"base": {...}}`. Throws {@link BundleFault}. */
export function parseBase(text: string): Readonly<Record<string, unknown>> {
  const base = onlyMember(parseJson(text, 'base.json'), 'base', 'base.json');
  checkFields(base, 'base.json', baseChecks, true);
  return base;
}

/** The tenants of `tenants.json`, checked: `{"tenants": {name: settings}}`. A Map, so that `__proto__` is no tenant. */
export function parseTenants(text: string): ReadonlyMap<string, TenantSettings> {
  const tenants = onlyMember(parseJson(text, 'tenants.json'), 'tenants', 'tenants.json');
  const found = new Map<string, TenantSettings>();
  for (const [name, settings] of Object.entries(tenants)) {
    if (!tenantName.test(name)) throw new BundleFault(`tenants.json: "${name}" is no name of a tenant`);
    checkFields(settings, `tenants.json: ${name}`, tenantChecks, false);
    if (!Object.hasOwn(settings as object, 'tools_by_role')) {
      throw new BundleFault(`tenants.json: ${name} has no tools_by_role`);
    }
    found.set(name, deepFreeze(settings as TenantSettings));
  }
  return found;
}

export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BundleFault(`${file} is not JSON`, { cause });
  }
}

function onlyMember(value: unknown, member: string, file: string): Readonly<Record<string, unknown>> {
  const inner = isRecord(value) && Object.keys(value).length === 1 ? value[member] : undefined;
  if (!isRecord(inner)) throw new BundleFault(`${file} is not {"${member}": {...}}`);
  return inner;
}

/** A misspelt setting would silently not hold, so an unknown one is a fault. */
function checkFields(value: unknown, where: string, checks: Readonly<Record<string, Check>>, all: boolean): void {
  if (!isRecord(value)) throw new BundleFault(`${where} is not an object`);
  for (const [key, member] of Object.entries(value)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (check === undefined) throw new BundleFault(`${where}: there is no setting "${key}"`);
    check(member, `${where}: ${key}`);
  }
  const missing = all ? Object.keys(checks).find((key) => !Object.hasOwn(value, key)) : undefined;
  if (missing !== undefined) throw new BundleFault(`${where}: "${missing}" is missing`);
}

function isLimit(value: unknown, where: string): void {
  if (!isCount(value)) throw new BundleFault(`${where} is not a whole number from 0`);
}

function areMaskedColumns(value: unknown, where: string): void {
  if (!Array.isArray(value) || !value.every(isMaskedColumn)) {
    throw new BundleFault(`${where} is not a list of {schema, table, column, method: redact | null | last4 | hash}`);
  }
}

function isWindow(value: unknown, where: string): void {
  if (isWindowTerms(value)) return;
  throw new BundleFault(
    `${where} is not {calls_max: 2 to 100, same: [...]}, with one to eight different JSON Pointers such as "/table" in same`,
  );
}

function areAccounts(value: unknown, where: string): void {
  const isSubject = (name: unknown) => typeof name === 'string' && name !== '';
  const isPerson = (accounts: unknown) => Array.isArray(accounts) && accounts.length > 1 && accounts.every(isSubject);
  if (!Array.isArray(value) || !value.every(isPerson)) {
    throw new BundleFault(`${where} is not a list of lists, each with two or more subjects of one person`);
  }
}

function listOf(pattern: RegExp): Check {
  return (value, where) => {
    if (!Array.isArray(value)) throw new BundleFault(`${where} is not a list`);
    const wrong = value.find((name) => typeof name !== 'string' || !pattern.test(name));
    if (wrong !== undefined) throw new BundleFault(`${where}: ${JSON.stringify(wrong)} is no such name`);
  };
}

function mapOf(pattern: RegExp, check: Check): Check {
  return (value, where) => {
    if (!isRecord(value)) throw new BundleFault(`${where} is not an object`);
    for (const [name, member] of Object.entries(value)) {
      if (!pattern.test(name)) throw new BundleFault(`${where}: "${name}" is no such name`);
      check(member, `${where}: ${name}`);
    }
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
