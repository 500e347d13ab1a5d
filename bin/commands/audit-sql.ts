import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { auditQueries } from '../../lib/audit-queries.ts';
import { tenantSegment } from '../../runtime/shared/audit/audit-layout.ts';
import { AuditUnreadable } from '../../runtime/shared/audit/verification.ts';
import { onlyDirectory, WrongUsage } from './audit-arguments.ts';
import { duckDbScript, type RecordLayout } from './duckdb-script.ts';

const names = auditQueries.map(({ name }) => name);

export const sqlUsage = `usage: toolgate audit sql DIR --tenant T --day YYYY-MM-DD [--subject SUB] [--query NAME]
  Prints the auditor's named queries over a record, for DuckDB: pipe it into duckdb. It does not verify the record.
    --tenant T     whose record
    --day DAY      of this day, UTC
    --subject SUB  the caller (sub) for everything-one-person-touched, which is left out without one
    --query NAME   one of ${names.join(', ')}
  exit code 0: printed; 2: wrong usage, or the directory has no record of that tenant.`;

/** Runs `audit sql`. */
export async function runSql(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      tenant: { type: 'string' },
      day: { type: 'string' },
      subject: { type: 'string' },
      query: { type: 'string' },
    },
  });
  const directory = resolve(onlyDirectory(positionals));
  const { tenant, day, subject, query } = values;
  if (tenant === undefined) throw new WrongUsage('--tenant T is missing.');
  if (day === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(day))
    throw new WrongUsage(day === undefined ? '--day DAY is missing.' : `--day takes YYYY-MM-DD, got ${day}`);
  if (query !== undefined && !names.includes(query))
    throw new WrongUsage(`--query takes one of ${names.join(', ')}, got ${query}`);
  if (query === 'everything-one-person-touched' && subject === undefined)
    throw new WrongUsage('--subject SUB is missing: this query is about one caller.');
  const segment = tenantSegment(tenant);
  const layout = segment === undefined ? undefined : layoutOf(join(directory, 'calls', `tenant=${segment}`));
  if (segment === undefined || layout === undefined)
    throw new AuditUnreadable(`${directory} has no record of the tenant "${tenant}".`);
  const question = {
    tenant: segment,
    dt: day,
    ...(subject === undefined ? {} : { subject }),
    ...(query === undefined ? {} : { query }),
  };
  process.stdout.write(duckDbScript(directory, layout, question));
  return 0;
}

/** By the tenant's first file. */
function layoutOf(tenantFolder: string): RecordLayout | undefined {
  if (!existsSync(tenantFolder)) return undefined;
  const files = readdirSync(tenantFolder, { recursive: true, encoding: 'utf8' });
  if (files.some((file) => file.endsWith('.jsonl.gz'))) return 'bucket';
  return files.some((file) => file.endsWith('.jsonl')) ? 'directory' : undefined;
}
