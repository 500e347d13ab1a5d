import type { JsonObject } from '../contract/json.ts';
import type { ToolEntry } from '../contract/registry.ts';
import { canonicalSha256 } from './canonical-json.ts';

/** What a tool tells a model about itself: everything that a rug pull could change. */
export type ToolDefinition = Pick<
  ToolEntry,
  'name' | 'title' | 'description' | 'inputSchema' | 'outputSchema' | 'annotations'
>;

/**
 * SHA-256 (hex) over RFC 8785 of {name, title, description, inputSchema, outputSchema, annotations}. What is absent stays absent: an empty title
 * is another definition than none.
 */
export function definitionHash(tool: ToolDefinition): string {
  return canonicalSha256(definitionOf(tool));
}

/** The members of a definition and no others. */
export function definitionOf(tool: ToolDefinition): JsonObject {
  const { name, title, description, inputSchema, outputSchema, annotations } = tool;
  return {
    name,
    ...(title !== undefined && { title }),
    description,
    inputSchema,
    ...(outputSchema !== undefined && { outputSchema }),
    annotations: annotations as JsonObject,
  };
}
