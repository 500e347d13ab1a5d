// Lays out the construct library for a CommonJS compiler, jsii's or TypeScript's: what lib/index.ts reaches, with the imports and the
// one place that asks for its own folder written as CommonJS has them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const specifier = /((?:\bfrom|\bimport)\s*\(?\s*)'(\.{1,2}\/[^']+)\.ts'/g;

/**
 * Copies lib/index.ts and everything of ours that it imports, types included, below `stage`.
 * @returns the files, relative to `stage`, sorted.
 */
export function stageLib(stage) {
  const files = new Set();
  const waiting = ['lib/index.ts'];
  while (waiting.length > 0) {
    const file = waiting.pop();
    if (files.has(file)) continue;
    files.add(file);
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, , path] of text.matchAll(specifier)) {
      const target = `${normalize(join(dirname(file), path)).replaceAll('\\', '/')}.ts`;
      if (!existsSync(join(root, target))) throw new Error(`${file} imports ${path}.ts, which is not there`);
      waiting.push(target);
    }
    mkdirSync(join(stage, dirname(file)), { recursive: true });
    writeFileSync(join(stage, file), toCommonJs(text));
  }
  return [...files].sort();
}

function toCommonJs(text) {
  return text.replaceAll(specifier, "$1'$2'").replaceAll('import.meta.dirname', '__dirname');
}
