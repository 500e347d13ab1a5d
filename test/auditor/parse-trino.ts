import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** What a parser of Trino's grammar has against a statement; empty when it is one. */
export type ParseTrino = (sql: string) => readonly { readonly message: string }[];

/** The package imports folders, which Node.js refuses, so it is bundled first. */
export async function openTrinoParser(): Promise<ParseTrino> {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-trino-'));
  try {
    const outfile = join(folder, 'trino.mjs');
    await build({
      stdin: {
        contents: "export { TrinoSQL } from 'dt-sql-parser/dist/parser/trino/index.js'",
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      logLevel: 'warning',
    });
    const { TrinoSQL } = (await import(outfile)) as { TrinoSQL: new () => { validate: ParseTrino } };
    const parser = new TrinoSQL();
    return (sql) => parser.validate(sql);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
