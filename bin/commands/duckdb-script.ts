import { auditQueries } from '../../lib/audit-queries.ts';
import { auditColumns } from '../../lib/constructs/audit-columns.ts';

/** What an auditor asks: one tenant, as its partition is named, and one day. */
export interface Question {
  readonly tenant: string;
  /** YYYY-MM-DD, UTC. */
  readonly dt: string;
  /** A caller's `sub`; a query that needs one is left out without it. */
  readonly subject?: string;
  /** One query instead of all that can be asked. */
  readonly query?: string;
}

/** How the files of a record are named below `calls/`: as a gateway on a disk writes them, or as a bucket has them. */
export type RecordLayout = 'directory' | 'bucket';

/** The view and the named queries with their parameters in place, for DuckDB's command line. */
export function duckDbScript(directory: string, layout: RecordLayout, question: Question): string {
  const asked = auditQueries.filter(
    ({ name, parameters }) =>
      (question.query === undefined || name === question.query) &&
      (question.subject !== undefined || !parameters.includes('subject')),
  );
  const statements = asked.map(({ name, description, sql, parameters }) => {
    const values = parameters.map((parameter) => literal(String(question[parameter as keyof Question])));
    const filled = sql.replaceAll('{table}', 'records').replaceAll('?', () => values.shift() ?? '?');
    return `-- ${name}: ${description}\n${filled};\n`;
  });
  return [`${recordsView(directory, layout)};\n`, ...statements].join('\n');
}

/** The statement that makes the table `records`, from the columns that the Glue table has. */
export function recordsView(directory: string, layout: RecordLayout = 'bucket'): string {
  const columns = auditColumns.map(({ name, type }) => `    ${name}: '${duckType(type)}'`).join(',\n');
  const [files, hour] = layout === 'bucket' ? ['*/*/*/*.jsonl.gz', ', hour: INTEGER'] : ['*/*/*.jsonl', ''];
  return `CREATE VIEW records AS SELECT *, filename AS "$path" FROM read_json(
  ${literal(`${directory}/calls/${files}`)},
  format = 'newline_delimited',
  maximum_object_size = 1048576,
  filename = true,
  hive_partitioning = true,
  hive_types = {tenant: VARCHAR, dt: VARCHAR${hour}},
  columns = {
${columns}
  }
)`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A type in Hive's words, in DuckDB's. */
function duckType(type: string): string {
  const inside = /^(struct|array|map)<(.*)>$/.exec(type);
  const [, kind, text = ''] = inside ?? [];
  if (kind === 'array') return `${duckType(text)}[]`;
  if (kind === 'map') return `MAP(${splitTop(text).map(duckType).join(', ')})`;
  if (kind === 'struct') {
    const members = splitTop(text).map((member) => {
      const [name = '', ...rest] = member.split(':');
      return `${name} ${duckType(rest.join(':'))}`;
    });
    return `STRUCT(${members.join(', ')})`;
  }
  return type === 'string' ? 'VARCHAR' : type.toUpperCase();
}

/** Splits at the commas that are not inside of angle brackets. */
function splitTop(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const char of text) {
    depth += char === '<' ? 1 : char === '>' ? -1 : 0;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}
