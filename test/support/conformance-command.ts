import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type ConformanceRun, conformanceRuns, problemsOf, type RunGroup, runGroups } from './conformance-runs.ts';
import { startConformanceWorld } from './conformance-world.ts';
import { passed, required, type SuiteRun } from './run-conformance.ts';

const usage = `usage: npm run conformance -- [--only ${runGroups.join('|')}] [--json FILE] [--verbose]
  Starts the platform with a fixture server behind the gateway and runs the official MCP conformance suite against it.
    --only GROUP   one group of runs instead of all; may be given more than once
                     2026-07-28, 2025-11-25   what that revision requires of a server, through the gateway
                     tools                    what fits any server, at the real tool servers and at the gateway's doors to them
                     authorization            the authorization server
    --json FILE    writes every scenario with its checks
    --verbose      prints what the suite prints
  exit code 0: everything is as expected; 1: something is not, or could not be run; 2: wrong usage.`;

interface Row {
  readonly name: string;
  readonly expected: ConformanceRun['expected'];
  readonly run: SuiteRun;
  readonly problems: readonly string[];
}

try {
  process.exitCode = await runCommand(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function runCommand(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'number') return options;
  const world = await startConformanceWorld();
  const rows: Row[] = [];
  try {
    for (const each of conformanceRuns(world.target).filter(({ group }) => options.groups.includes(group))) {
      process.stderr.write(`${each.name} ...\n`);
      const run = await each.run();
      if (options.verbose) process.stderr.write(run.output);
      rows.push({ name: each.name, expected: each.expected, run, problems: problemsOf(each.expected, run) });
    }
  } finally {
    await world.close();
  }
  process.stdout.write(formatTable(rows));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows.map(toJson), null, 2)}\n`);
  return rows.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

function formatTable(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.flatMap(({ name, expected, run, problems }) => [
    [
      name.padEnd(width),
      `${passed(run).length}/${required(run).length} passed`.padEnd(13),
      `expected ${expected.passed}/${expected.of}`.padEnd(15),
      `exit ${run.exitCode}`,
      `${run.seconds.toFixed(1)} s`.padStart(7),
      problems.length === 0 ? 'ok' : 'NOT AS EXPECTED',
    ].join('  '),
    ...problems.map((problem) => `    ${problem}`),
  ]);
  return `\n${lines.join('\n')}\n`;
}

function toJson({ name, expected, run, problems }: Row): object {
  const { exitCode, seconds, outcomes } = run;
  return {
    name,
    expected,
    passed: passed(run).length,
    of: required(run).length,
    exitCode,
    seconds,
    problems,
    outcomes,
  };
}

function readOptions(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string', multiple: true },
        json: { type: 'string' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    const groups = values.only ?? runGroups;
    const unknown = groups.find((group) => !runGroups.includes(group as RunGroup));
    if (unknown !== undefined) throw new Error(`--only takes ${runGroups.join(', ')}, got ${unknown}`);
    return { groups: groups as readonly RunGroup[], json: values.json, verbose: values.verbose };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    return 2;
  }
}
