import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { formatCallLines } from '../../runtime/shared/audit/format-call.ts';
import { printable } from '../../runtime/shared/audit/printable.ts';
import { findRecords } from '../../runtime/shared/audit/show-records.ts';
import { AuditUnreadable, type AuditVerification, type ChainReport } from '../../runtime/shared/audit/verification.ts';
import { verifyAuditDirectory } from '../../runtime/shared/audit/verify-audit-directory.ts';
import { onlyDirectory, WrongUsage } from './audit-arguments.ts';
import { runSql, sqlUsage } from './audit-sql.ts';

const verifyUsage = `usage: toolgate audit verify DIR [--key FILE] [--head FILE] [--tenant T] [--json]
  Verifies an audit directory offline: every record is chained to the one before, and signed checkpoints name the heads of the chains.
    --key FILE   public key to trust (JWK, JWK set or PEM), got from the operator on another way than the directory
    --head FILE  a checkpoint line that you kept earlier: it must still be there, and everything before it
    --tenant T   only the chains of this tenant
    --json       the whole result as JSON on standard output
  exit code 0: intact; 1: not intact, each finding names file and line; 2: wrong usage, or the directory cannot be read.`;

const showUsage = `usage: toolgate audit show DIR [--tenant T] [--tool NAME] [--outcome OUTCOME] [--last N] [--json]
  Shows the newest records, oldest first. It does not verify them.
    --tenant T         only of this tenant
    --tool NAME        only of this tool, for example postgres.readonly
    --outcome OUTCOME  ok, tool_error, refused, failed, cancelled or pending
    --last N           how many (default 20)
    --json             the lines as they are recorded
  exit code 0: shown, also when there are none; 2: wrong usage, or the directory cannot be read.`;

const outcomes = ['ok', 'tool_error', 'refused', 'failed', 'cancelled', 'pending'];
const findingsShown = 50;

/** Runs `audit verify`, `audit show` or `audit sql`. */
export async function runAudit(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  if (command === 'verify') return run(rest, verifyUsage, runVerify);
  if (command === 'show') return run(rest, showUsage, runShow);
  if (command === 'sql') return run(rest, sqlUsage, runSql);
  const isHelp = command === '--help' || command === '-h';
  const out = isHelp ? process.stdout : process.stderr;
  if (!isHelp && command !== undefined) out.write(`There is no command "audit ${printable(command)}".\n`);
  out.write(`${verifyUsage}\n${showUsage}\n${sqlUsage}\n`);
  return isHelp ? 0 : 2;
}

async function run(
  argv: readonly string[],
  usage: string,
  command: (argv: readonly string[]) => Promise<number>,
): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  try {
    return await command(argv);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isUsage = error instanceof WrongUsage || code?.startsWith('ERR_PARSE_ARGS') === true;
    if (!isUsage && !(error instanceof AuditUnreadable)) throw error;
    process.stderr.write(`${printable(message, 1000)}\n${isUsage ? `${usage}\n` : ''}`);
    return 2;
  }
}

async function runVerify(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      head: { type: 'string' },
      tenant: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const verification = await verifyAuditDirectory(onlyDirectory(positionals), {
    ...(values.key === undefined ? {} : { publicKey: readText(values.key, '--key') }),
    ...(values.head === undefined ? {} : { expectHead: readText(values.head, '--head') }),
    ...(values.tenant === undefined ? {} : { tenant: values.tenant }),
  });
  process.stdout.write(values.json ? `${JSON.stringify(verification, null, 2)}\n` : describe(verification));
  return verification.isIntact ? 0 : 1;
}

async function runShow(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      tenant: { type: 'string' },
      tool: { type: 'string' },
      outcome: { type: 'string' },
      last: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    },
  });
  const last = Number(values.last);
  if (!Number.isInteger(last) || last < 1 || last > 100_000)
    throw new WrongUsage(`--last takes a whole number from 1 to 100000, got ${values.last}`);
  if (values.outcome !== undefined && !outcomes.includes(values.outcome))
    throw new WrongUsage(`--outcome takes one of ${outcomes.join(', ')}, got ${values.outcome}`);
  const { tenant, tool, outcome } = values;
  const records = await findRecords(onlyDirectory(positionals), {
    last,
    ...(tenant === undefined ? {} : { tenant }),
    ...(tool === undefined ? {} : { tool }),
    ...(outcome === undefined ? {} : { outcome }),
  });
  for (const { record, line } of records) {
    const [first = '', ...more] = linesOf(record);
    const shown = [`${printable(record.time.slice(0, 10))} ${first}`, ...more].join('\n');
    process.stdout.write(values.json ? `${line}\n` : `${shown}\n`);
  }
  if (records.length === 0 && !values.json) process.stdout.write('No record fits.\n');
  return 0;
}

/** Of a line that may be anybody's: only its time was looked at. */
function linesOf(record: AuditRecord): string[] {
  try {
    return formatCallLines(record);
  } catch {
    return [`${printable(record.time.slice(11, 23), 12)}  a line that is no record, see --json`];
  }
}

function describe(verification: AuditVerification): string {
  const { chains, findings, findingCount, isIntact } = verification;
  const lines = chains.flatMap(describeChain);
  for (const note of verification.notes) lines.push(`note: ${printable(note, 1000)}`);
  for (const { file, line, message } of findings.slice(0, findingsShown))
    lines.push(`${printable(file, 400)}${line === undefined ? '' : ` line ${line}`}: ${printable(message, 1000)}`);
  if (findingCount > findingsShown)
    lines.push(`... and ${findingCount - findingsShown} more (--json shows up to 1000)`);
  const records = chains.reduce((sum, chain) => sum + chain.records, 0);
  lines.push('', describeKeys(verification));
  for (const { writer, n, time } of verification.checkpoints)
    lines.push(`Newest checkpoint of ${writer}: number ${n}, ${printable(time)}. Keep its line for --head.`);
  lines.push(
    isIntact
      ? `INTACT: ${count(chains.length, 'chain')}, ${count(records, 'record')}.`
      : `NOT INTACT: ${count(findingCount, 'finding')} in ${count(chains.length, 'chain')}, ${count(records, 'record')}.`,
  );
  return `${lines.join('\n')}\n`;
}

function describeChain(chain: ChainReport): string[] {
  const { tenant, writer, lastSeq, signedSeq, from, to, notes, isIntact } = chain;
  const span = from === undefined ? '' : `, ${printable(from)} to ${printable(to ?? from)}`;
  const unsigned = lastSeq > signedSeq ? `, the last ${lastSeq - signedSeq} not signed yet` : '';
  const what = `${count(chain.records, 'record')} in ${count(chain.files, 'file')}${span}${unsigned}`;
  return [
    `${isIntact ? 'intact    ' : 'NOT INTACT'}  tenant ${printable(tenant)}  writer ${writer}  ${what}`,
    ...notes.map((note) => `            note: ${printable(note, 1000)}`),
  ];
}

function describeKeys({ keys, isKeyPinned }: AuditVerification): string {
  if (isKeyPinned) return `Trusted the key you gave: ${keys.join(', ')}.`;
  if (keys.length === 0) return 'The directory holds no public key, so that no signature could be checked.';
  return `Trusted the key in the directory itself: ${keys.join(', ')}. Whoever can write there can put one there too: get the key from the operator on another way and pin it with --key.`;
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

function readText(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WrongUsage(`${option} ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}.`, { cause });
  }
}
