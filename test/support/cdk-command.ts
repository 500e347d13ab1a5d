import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ministack } from './ministack.ts';

const cli = fileURLToPath(new URL('../../node_modules/.bin/cdk', import.meta.url));

/** How a run of the CDK's command line ended. */
export interface CdkRun {
  readonly exitCode: number;
  /** Standard output and standard error, in the order in which they came. */
  readonly output: string;
  readonly seconds: number;
}

/**
 * Runs the real `cdk` in an empty home folder: against `emulator`, or without any credentials and with a network that leads nowhere.
 * Nothing of the machine's own AWS configuration is read.
 */
export async function runCdk(
  args: readonly string[],
  options: {
    readonly emulator?: Ministack;
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<CdkRun> {
  const home = mkdtempSync(join(tmpdir(), 'toolgate-cdk-'));
  const { emulator, cwd = home, env = {} } = options;
  const started = performance.now();
  try {
    const child = spawn(cli, [...args, '--no-notices', '--no-version-reporting'], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: home,
        CI: 'true',
        NO_COLOR: '1',
        ...(emulator !== undefined && {
          AWS_ENDPOINT_URL: emulator.endpoint,
          AWS_ACCESS_KEY_ID: emulator.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: emulator.credentials.secretAccessKey,
          AWS_REGION: emulator.region,
        }),
        ...env,
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
    }
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
    return { exitCode, output, seconds: (performance.now() - started) / 1000 };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
