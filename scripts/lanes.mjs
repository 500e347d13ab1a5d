// The lanes of the tests: what each needs beyond npm, and how to see that it is there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** The Chromium that the browser lane drives; undefined when there is none. */
export function chromiumPath() {
  const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return candidates.find((path) => path !== undefined && path !== '' && existsSync(path));
}

export const lanes = {
  npm: {
    what: 'types, style and every test that needs nothing but npm',
    missing: () => undefined,
    steps: [
      ['node_modules/.bin/tsc', '--noEmit'],
      ['node_modules/.bin/tsc', '--noEmit', '-p', 'lib'],
      ['node_modules/.bin/biome', 'check', '.'],
    ],
  },
  peers: {
    what: 'the conformance suite and the Inspector, installed from npm into test/peers, and npm start in odd surroundings',
    missing: () => undefined,
    steps: [['node', 'scripts/ensure-installed.mjs', 'test/peers']],
    concurrency: 1,
    timeoutMs: 900_000,
  },
  agents: {
    what: 'agents that people use, installed from npm into test/agents (1.2 GB), each with a model that follows a script',
    missing: () => undefined,
    steps: [['node', 'scripts/ensure-installed.mjs', 'test/agents']],
    // Programs of others, big ones, whose behaviour is theirs: looked at when our answers change, and no part of what must hold.
    isOnRequest: true,
    concurrency: 1,
    timeoutMs: 1_200_000,
  },
  jsii: {
    what: 'the package: images that start, bytes that repeat, lib/ as jsii and awslint read it, API.md, an app that installs the tarball',
    missing: () => undefined,
    steps: [['node', 'scripts/api.mjs', '--verify']],
    concurrency: 1,
    timeoutMs: 300_000,
  },
  auditor: {
    what: 'the SQL of the audit record in DuckDB and in a parser of Trino, installed from npm into test/auditor',
    missing: () => undefined,
    steps: [['node', 'scripts/ensure-installed.mjs', 'test/auditor']],
    timeoutMs: 300_000,
  },
  opa: {
    what: 'the real opa and Regal: tests, coverage, format, strict check, lint, byte-equal rebuild',
    missing: () =>
      works('go', ['version'])
        ? undefined
        : 'no Go on the PATH: install 1.26 or later; 1.21 or later will do where GOTOOLCHAIN=auto may fetch 1.26',
    concurrency: 1,
    timeoutMs: 1_200_000,
  },
  browser: {
    what: 'the pages in a real Chromium',
    missing: () => (chromiumPath() ? undefined : 'no Chromium: install it or set CHROMIUM to its path'),
    concurrency: 1,
    timeoutMs: 300_000,
  },
  emulator: {
    what: 'the contract suites and a real deployment against AWS emulators from PyPI and Maven, behind HAProxy',
    missing: () => {
      if (!works('python3', ['-m', 'venv', '--help'])) return 'Python 3 with venv is not on the PATH';
      if (!works('java', ['-version']) || !works('mvn', ['-v']))
        return 'Java 17 or later and Maven are not on the PATH';
      return works('haproxy', ['-v']) ? undefined : 'HAProxy 2.6 or later is not on the PATH';
    },
    concurrency: 1,
    timeoutMs: 600_000,
  },
};

export const laneNames = Object.keys(lanes);
