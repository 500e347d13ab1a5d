import { hash } from 'node:crypto';

/**
 * A key part of fixed length for names that others choose. Injective: JSON escapes its own quotes and lone surrogates, so no
 * name can imitate two. Hides subjects from whoever may list keys.
 */
export function keyHash(...parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url');
}
