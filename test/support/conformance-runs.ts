import { fileURLToPath } from 'node:url';
import {
  failedScenarios,
  passed,
  type Revision,
  required,
  runAuthorizationConformance,
  runServerConformance,
  type SuiteRun,
} from './run-conformance.ts';

/** Where the suite finds what it tests. The suite brings no token, so doors are behind a proxy that adds one. */
export interface ConformanceTarget {
  /** URLs of the gateway's door to the fixture, each for another caller: one alone would use up its limit. */
  readonly fixture: Readonly<Record<Revision, string>>;
  /** URLs of the gateway's doors to real tool servers, by server name. */
  readonly doors: Readonly<Record<string, string>>;
  /** URLs of the tool servers themselves, by server name. */
  readonly toolServers: Readonly<Record<string, string>>;
  readonly authorization: {
    readonly issuer: string;
    readonly resource: string;
    /** A public client that may redirect to `http://127.0.0.1:{callbackPort}/callback`. */
    readonly clientId: string;
    readonly callbackPort: number;
    readonly signIn: (authorizationUrl: string) => Promise<void>;
  };
}

export const runGroups = ['2026-07-28', '2025-11-25', 'tools', 'authorization'] as const;
export type RunGroup = (typeof runGroups)[number];

/** One line of the table: what is run, and what must come of it. */
export interface ConformanceRun {
  readonly name: string;
  readonly group: RunGroup;
  /** Scenarios that pass, and scenarios that are run. */
  readonly expected: { readonly passed: number; readonly of: number };
  run(): Promise<SuiteRun>;
}

const baseline2025 = fileURLToPath(new URL('../conformance/expected-failures-2025-11-25.yml', import.meta.url));
const baselineTools = fileURLToPath(new URL('../conformance/expected-failures-tools.yml', import.meta.url));

/** Scenarios that need no fixture, so that they fit every server. */
const anyServer: Readonly<Record<Revision, readonly string[]>> = {
  '2026-07-28': [
    'server-stateless',
    'tools-list',
    'http-header-validation',
    'dns-rebinding-protection',
    'server-sse-multiple-streams',
    'input-required-result-unsupported-methods',
  ],
  '2025-11-25': ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection', 'server-sse-multiple-streams'],
};

/** Everything that is run, in order. */
export function conformanceRuns(target: ConformanceTarget): readonly ConformanceRun[] {
  return [
    {
      name: 'gateway, 2026-07-28',
      group: '2026-07-28',
      expected: { passed: 37, of: 37 },
      run: () => runServerConformance({ url: target.fixture['2026-07-28'], requirements: '2026-07-28' }),
    },
    {
      name: 'gateway, 2025-11-25',
      group: '2025-11-25',
      expected: { passed: 26, of: 30 },
      run: () =>
        runServerConformance({
          url: target.fixture['2025-11-25'],
          requirements: '2025-11-25',
          baseline: baseline2025,
        }),
    },
    ...Object.entries(target.doors).flatMap(([name, door]) => anyServerRuns(`door to ${name}`, door)),
    ...Object.entries(target.toolServers).flatMap(([name, server]) => anyServerRuns(`tool server ${name}`, server)),
    {
      name: 'authorization server',
      group: 'authorization',
      expected: { passed: 2, of: 2 },
      run: () => runAuthorizationConformance(target.authorization),
    },
  ];
}

function anyServerRuns(name: string, url: string): readonly ConformanceRun[] {
  return (['2026-07-28', '2025-11-25'] as const).map((revision) => ({
    name: `${name}, ${revision}`,
    group: 'tools',
    // In server-stateless the checks fail that need a tool made for the suite; the baseline names each.
    expected: {
      passed: anyServer[revision].filter((scenario) => scenario !== 'server-stateless').length,
      of: anyServer[revision].length,
    },
    run: () => runScenarios(url, revision),
  }));
}

async function runScenarios(url: string, revision: Revision): Promise<SuiteRun> {
  const runs: SuiteRun[] = [];
  for (const scenario of anyServer[revision]) {
    const baseline = scenario === 'server-stateless' ? { baseline: baselineTools } : {};
    runs.push(await runServerConformance({ url, scenario, revision, ...baseline }));
  }
  return {
    exitCode: runs.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0,
    outcomes: runs.flatMap(({ outcomes }) => outcomes),
    seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0),
    output: runs.map(({ output }) => output).join('\n'),
  };
}

/** What is wrong with a run, a sentence each; empty when it is as expected. */
export function problemsOf(expected: ConformanceRun['expected'], run: SuiteRun): readonly string[] {
  const problems: string[] = [];
  const counts = { passed: passed(run).length, of: required(run).length };
  if (counts.passed !== expected.passed || counts.of !== expected.of) {
    problems.push(`${counts.passed} of ${counts.of} scenarios passed, expected ${expected.passed} of ${expected.of}`);
  }
  if (run.exitCode !== 0) {
    problems.push(`the suite ended with ${run.exitCode}; failed: ${failedScenarios(run).join(', ') || 'none'}`);
    for (const { scenario, failed, warned } of run.outcomes.filter(({ isRequired }) => isRequired)) {
      const others = [...failed, ...warned].filter(({ message }) => !message.startsWith('Not testable'));
      for (const { id, message } of others) problems.push(`${scenario} ${id}: ${message}`);
    }
  }
  return problems;
}
