import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One scenario of the official suite, as it ended. */
export interface ScenarioOutcome {
  readonly scenario: string;
  /** True when the revision demands it; others are run and shown, and count for nothing. */
  readonly isRequired: boolean;
  readonly succeeded: number;
  readonly failed: readonly FailedCheck[];
  readonly warned: readonly FailedCheck[];
}

export interface FailedCheck {
  readonly id: string;
  readonly message: string;
}

/** One run of the suite against one target. */
export interface SuiteRun {
  /** 0 when the suite is content: nothing failed but what the baseline names. */
  readonly exitCode: number;
  readonly outcomes: readonly ScenarioOutcome[];
  readonly seconds: number;
  /** What the suite printed. */
  readonly output: string;
}

export type Revision = '2026-07-28' | '2025-11-25';

export interface ServerRunOptions {
  readonly url: string;
  /** Everything that this revision demands of a server, at its wire format. */
  readonly requirements?: Revision;
  /** Or one scenario, at the wire format of `revision`. */
  readonly scenario?: string;
  readonly revision?: Revision;
  /** A YAML file with what may fail. With it, a warning is a failure and an entry that passes is one too. */
  readonly baseline?: string;
  /** For each scenario, milliseconds. @default 30000 */
  readonly scenarioTimeoutMs?: number;
  /** For the whole run, milliseconds. @default 300000 */
  readonly timeoutMs?: number;
}

const peersFolder = fileURLToPath(new URL('../peers', import.meta.url));
const suiteFolder = join(peersFolder, 'node_modules', '@modelcontextprotocol', 'conformance');
const suiteProgram = join(suiteFolder, 'dist', 'index.js');

/** Runs `conformance server`. Rejects when the suite cannot be started or does not end in time. */
export async function runServerConformance(options: ServerRunOptions): Promise<SuiteRun> {
  const { url, requirements, scenario, revision, baseline, scenarioTimeoutMs = 30_000, timeoutMs = 300_000 } = options;
  const required = requirements === undefined ? undefined : await requiredScenarios(requirements);
  return runSuite(
    [
      'server',
      ...['--url', url, '--timeout', String(scenarioTimeoutMs)],
      ...(requirements === undefined ? [] : ['--requirements', requirements]),
      ...(scenario === undefined ? [] : ['--scenario', scenario]),
      ...(revision === undefined ? [] : ['--spec-version', revision]),
      ...(baseline === undefined ? [] : ['--expected-failures', baseline]),
    ],
    { timeoutMs, isRequired: (name) => required?.includes(name) ?? true },
  );
}

export interface AuthorizationRunOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** The redirect URI is `http://127.0.0.1:{callbackPort}/callback`. */
  readonly callbackPort: number;
  readonly resource: string;
  /** Does what a person does with the URL that the suite prints: signs in and consents, until the suite's callback has been called. */
  readonly signIn: (authorizationUrl: string) => Promise<void>;
  readonly timeoutMs?: number;
}

/** Runs `conformance authorization`. Rejects as {@link runServerConformance} does, and with what `signIn` threw. */
export async function runAuthorizationConformance(options: AuthorizationRunOptions): Promise<SuiteRun> {
  const { issuer, clientId, callbackPort, resource, signIn, timeoutMs = 60_000 } = options;
  let signingIn: Promise<void> | undefined;
  const run = runSuite(
    [
      'authorization',
      ...['--url', issuer, '--client-id', clientId, '--port', String(callbackPort), '--resource', resource],
    ],
    {
      timeoutMs,
      isRequired: () => true,
      onOutput: (output) => {
        const url = /^https?:\/\/\S+[?&]response_type=code\S*$/m.exec(output)?.[0];
        if (url !== undefined) signingIn ??= signIn(url);
        return signingIn;
      },
    },
  );
  return run;
}

interface RunOptions {
  readonly timeoutMs: number;
  readonly isRequired: (scenario: string) => boolean;
  /** Called with everything printed so far. A promise that it returns ends the run when it rejects. */
  readonly onOutput?: (output: string) => Promise<void> | undefined;
}

async function runSuite(args: readonly string[], { timeoutMs, isRequired, onOutput }: RunOptions): Promise<SuiteRun> {
  const results = await mkdtemp(join(tmpdir(), 'toolgate-conformance-'));
  const started = performance.now();
  try {
    const { exitCode, output } = await new Promise<{ exitCode: number; output: string }>((resolve, reject) => {
      const child = spawn(process.execPath, [suiteProgram, ...args, '--output-dir', results], {
        cwd: peersFolder,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NO_COLOR: '1' },
      });
      let printed = '';
      const end = (error: Error) => {
        child.kill('SIGKILL');
        reject(error);
      };
      const timer = setTimeout(
        () => end(new Error(`the suite did not end within ${timeoutMs} ms; so far it said:\n${printed.slice(-2000)}`)),
        timeoutMs,
      );
      const collect = (chunk: Buffer) => {
        printed += chunk.toString();
        onOutput?.(printed)?.catch(end);
      };
      child.stdout.on('data', collect);
      child.stderr.on('data', collect);
      child.on('error', end);
      child.on('close', (code) => {
        clearTimeout(timer);
        resolve({ exitCode: code ?? 1, output: printed });
      });
    });
    const seconds = (performance.now() - started) / 1000;
    return { exitCode, output, seconds, outcomes: await readOutcomes(results, isRequired) };
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
  readonly details?: { readonly message?: string };
}

/** The suite writes `{leg}-{scenario}-{time}/checks.json`. */
async function readOutcomes(folder: string, isRequired: RunOptions['isRequired']): Promise<readonly ScenarioOutcome[]> {
  const outcomes: ScenarioOutcome[] = [];
  for (const entry of await readdir(folder)) {
    const scenario = /^(?:server-|authorization-server-)?(.+?)-\d{4}-\d\d-\d\dT[\dZ-]+$/.exec(entry)?.[1] ?? entry;
    const checks = await readChecks(join(folder, entry, 'checks.json'), scenario);
    const of = (status: Check['status']) =>
      checks
        .filter((check) => check.status === status)
        .map(({ id, errorMessage, details }) => ({ id, message: errorMessage ?? details?.message ?? '' }));
    outcomes.push({
      scenario,
      isRequired: isRequired(scenario),
      succeeded: of('SUCCESS').length,
      failed: of('FAILURE'),
      warned: of('WARNING'),
    });
  }
  return outcomes.sort((a, b) => (a.scenario < b.scenario ? -1 : 1));
}

/** The suite writes no file for a scenario that broke or was not applicable. Neither is a pass. */
async function readChecks(file: string, scenario: string): Promise<readonly Check[]> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [{ id: scenario, status: 'FAILURE', errorMessage: 'the scenario did not run to its end' }];
  }
}

/** Reads the list that the suite ships for a revision: `server:` and then one `  - name` a line. */
async function requiredScenarios(revision: Revision): Promise<readonly string[]> {
  const file = await readFile(join(suiteFolder, 'requirements', `${revision}.yaml`), 'utf8');
  const section = /^server:\n((?: {2}- \S+\n)+)/m.exec(file)?.[1];
  if (section === undefined) throw new Error(`the suite's requirements of ${revision} are not as expected`);
  return [...section.matchAll(/- (\S+)/g)].map(([, name]) => name as string);
}

/** Required scenarios without a failed check. */
export function passed(run: SuiteRun): readonly string[] {
  return required(run).filter((scenario) => !failedScenarios(run).includes(scenario));
}

/** Required scenarios with a failed check. */
export function failedScenarios(run: SuiteRun): readonly string[] {
  return run.outcomes
    .filter(({ isRequired, failed }) => isRequired && failed.length > 0)
    .map(({ scenario }) => scenario);
}

export function required(run: SuiteRun): readonly string[] {
  return run.outcomes.filter(({ isRequired }) => isRequired).map(({ scenario }) => scenario);
}
