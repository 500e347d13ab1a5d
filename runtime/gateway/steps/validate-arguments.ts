import type { Json, JsonObject } from '../../contract/json.ts';
import type { ValidArguments } from '../../contract/receipts.ts';
import type { ToolCall } from '../../contract/tool-call.ts';
import { canonicalSha256 } from '../../shared/canonical-json.ts';
import type { SchemaCheck } from '../../shared/compile-schema.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { DoorTool } from '../catalogue-index.ts';
import { declaredHeaders } from '../declared-headers.ts';
import type { GatewayDeps } from '../deps.ts';
import { decodeHeaderValue } from '../transport/header-value.ts';

/**
 * Holds the arguments against the pinned input schema and freezes them: what was decided is what is sent. Throws Refusal
 * `arguments_invalid` with every violation, `header_mismatch` when an `Mcp-Param-*` header and its argument differ, or
 * `tool_disabled` when the registered schema does not compile.
 */
export function validateArguments(tool: DoorTool, call: ToolCall, deps: Pick<GatewayDeps, 'schemas'>): ValidArguments {
  checkParamHeaders(tool, call);
  const violations = inputCheck(tool, deps)(call.arguments);
  if (violations.length > 0) throw new Refusal('arguments_invalid', { violations });
  deepFreeze(call.arguments);
  return { value: call.arguments, sha256: canonicalSha256(call.arguments) };
}

function inputCheck(tool: DoorTool, deps: Pick<GatewayDeps, 'schemas'>): SchemaCheck {
  try {
    return deps.schemas.check(`${tool.entry.definitionHash}:in`, tool.entry.inputSchema);
  } catch (cause) {
    throw new Refusal('tool_disabled', { privateDetail: 'its input schema does not compile' }, { cause });
  }
}

/** MCP server/tools § x-mcp-header: the header must be there and equal when the argument is; a lying one is never forwarded. */
function checkParamHeaders(tool: DoorTool, call: ToolCall): void {
  for (const { header, path, isNumber } of declaredHeaders(tool)) {
    const value = valueAt(call.arguments, path);
    const sent = call.paramHeaders[header];
    if (value === undefined || value === null || typeof value === 'object') {
      if (sent === undefined) continue;
      throw new Refusal('header_mismatch', { reason: `The header ${header} is there without its argument.` });
    }
    if (sent === undefined) {
      // Clients before 2026-07-28 do not know of these headers.
      if (call.era === 'legacy') continue;
      throw new Refusal('header_mismatch', { reason: `The header ${header} is missing.` });
    }
    const decoded = decodeHeaderValue(sent);
    if (decoded === undefined) throw new Refusal('header_mismatch', { reason: `${header} is not valid Base64.` });
    const isEqual = isNumber && typeof value === 'number' ? isSameNumber(decoded, value) : decoded === String(value);
    if (!isEqual) throw new Refusal('header_mismatch', { reason: `${header} differs from its argument.` });
  }
}

function valueAt(root: JsonObject, path: readonly string[]): Json | undefined {
  let node: Json | undefined = root;
  for (const key of path) {
    if (!isObject(node) || !Object.hasOwn(node, key)) return undefined;
    node = node[key];
  }
  return node;
}

function isSameNumber(text: string, value: number): boolean {
  return /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/.test(text) && Number(text) === value;
}

function deepFreeze(value: Json | undefined): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
