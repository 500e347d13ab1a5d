// npm test: the npm lane. TOOLGATE_ALL_LANES=1 npm test: every lane, and a skipped one is a failure.
// npm test -- --lanes npm,opa   npm test -- test/gateway/   (paths narrow the npm lane)
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { laneNames, lanes } from './lanes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const usage = `usage: npm test -- [--lanes ${laneNames.join(',')}] [test path ...]
  Without --lanes: the npm lane, or every lane but agents with TOOLGATE_ALL_LANES=1, where a lane that cannot run is a failure.
  A test file belongs to the lane in its name: x.browser.test.ts is of the lane "browser", x.test.ts of "npm".
  exit code 0: all passed; 1: a test failed, or a lane was skipped in a run of all; 2: wrong usage.`;

const dueNames = laneNames.filter((name) => lanes[name].isOnRequest !== true);

const { wanted, paths, all } = readArguments(process.argv.slice(2));
const rows = [];
let passed = 0;
let failed = 0;
// Constructs and their tests read dist/; a build that is of these sources already takes a blink.
const built = spawnSync(process.execPath, ['scripts/build.mjs'], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (built.status !== 0) failed += 1;
for (const name of laneNames) {
  if (!wanted.includes(name)) {
    rows.push([name, 'skipped', `not asked for; ${lanes[name].what}`]);
    continue;
  }
  const missing = lanes[name].missing();
  if (missing !== undefined) {
    rows.push([name, 'skipped', missing]);
    if (all) failed += 1;
    continue;
  }
  const started = performance.now();
  const counts = runLane(name);
  passed += counts.passed;
  failed += counts.failed;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  rows.push([
    name,
    counts.failed === 0 ? 'ran' : 'FAILED',
    `${counts.passed} passed, ${counts.failed} failed, ${seconds} s`,
  ]);
}
process.stdout.write(
  `\n${rows.map(([name, state, why]) => `${name.padEnd(10)} ${state.padEnd(8)} ${why}`).join('\n')}\n\n`,
);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function runLane(name) {
  const counts = { passed: 0, failed: 0 };
  const narrowed = paths.length > 0;
  for (const step of narrowed ? [] : (lanes[name].steps ?? [])) {
    process.stdout.write(`\n> ${step.join(' ')}\n`);
    const run = spawnSync(step[0], step.slice(1), { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    counts[run.status === 0 ? 'passed' : 'failed'] += 1;
  }
  const files = testFiles(name);
  if (files.length === 0) {
    if (narrowed) throw new Error(`no test file of the lane ${name} is under ${paths.join(', ')}`);
    return counts;
  }
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-test-'));
  const summary = join(folder, 'summary.json');
  const reporter = fileURLToPath(new URL('./test-reporter.mjs', import.meta.url));
  const run = spawnSync(
    process.execPath,
    [
      '--test',
      `--test-concurrency=${lanes[name].concurrency ?? 2}`,
      `--test-timeout=${lanes[name].timeoutMs ?? 120_000}`,
      `--test-reporter=${reporter}`,
      '--test-reporter-destination=stdout',
      ...files,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        TOOLGATE_TEST_SUMMARY: summary,
        // Each file is a process of its own, and half of a short one's time is reading the same sources.
        NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled'),
      },
    },
  );
  try {
    const ran = JSON.parse(readFileSync(summary, 'utf8'));
    counts.passed += ran.passed;
    counts.failed += ran.failed;
    if (run.status !== 0 && ran.failed === 0) counts.failed += 1;
  } catch {
    counts.failed += 1;
  }
  rmSync(folder, { recursive: true, force: true });
  return counts;
}

function testFiles(name) {
  const laneOf = (file) => laneNames.find((lane) => file.endsWith(`.${lane}.test.ts`)) ?? 'npm';
  return globSync('test/**/*.test.ts', { cwd: root, exclude: ['**/node_modules/**'] })
    .filter((file) => laneOf(file) === name)
    .filter((file) => paths.length === 0 || paths.some((path) => file.startsWith(path.replace(/^\.\//, ''))))
    .sort();
}

function readArguments(argv) {
  const everything = process.env.TOOLGATE_ALL_LANES === '1';
  const result = { wanted: everything ? dueNames : ['npm'], paths: [], all: everything };
  for (let i = 0; i < argv.length; i += 1) {
    if (argv[i] === '--help' || argv[i] === '-h') {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    } else if (argv[i] === '--lanes') {
      i += 1;
      result.wanted = (argv[i] ?? '').split(',');
      const unknown = result.wanted.filter((lane) => !laneNames.includes(lane));
      if (unknown.length > 0) stop(`there is no lane "${unknown.join(', ')}"; the lanes are ${laneNames.join(', ')}`);
      result.all = everything;
    } else if (argv[i].startsWith('-')) stop(`unknown option ${argv[i]}`);
    else result.paths.push(argv[i]);
  }
  return result;
}

function stop(sentence) {
  process.stderr.write(`${sentence}\n${usage}\n`);
  process.exit(2);
}
