import type { Json, JsonObject } from '../contract/json.ts';
import type { DoorTool } from './catalogue-index.ts';

/** A header that says what an argument says. */
export interface DeclaredHeader {
  /** Lower-case, with its prefix. */
  readonly header: string;
  readonly path: readonly string[];
  readonly isNumber: boolean;
}

const declared = new WeakMap<DoorTool, readonly DeclaredHeader[]>();

/** Those of a tool's input schema. MCP server/tools § x-mcp-header. */
export function declaredHeaders(tool: DoorTool): readonly DeclaredHeader[] {
  let headers = declared.get(tool);
  if (headers === undefined) {
    headers = findHeaders(tool.entry.inputSchema, []);
    declared.set(tool, headers);
  }
  return headers;
}

function findHeaders(schema: Json | undefined, path: readonly string[]): DeclaredHeader[] {
  if (!isObject(schema) || !isObject(schema.properties) || path.length > 16) return [];
  return Object.entries(schema.properties).flatMap(([name, property]) => {
    if (!isObject(property)) return [];
    const header = property['x-mcp-header'];
    const below = findHeaders(property, [...path, name]);
    if (typeof header !== 'string') return below;
    const isNumber = property.type === 'integer' || property.type === 'number';
    return [{ header: `mcp-param-${header.toLowerCase()}`, path: [...path, name], isNumber }, ...below];
  });
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
