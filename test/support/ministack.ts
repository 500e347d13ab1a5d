import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { pythonEnvironment } from './python-environment.ts';

/** An AWS emulator of its own, on loopback. */
export interface Ministack {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  close(): Promise<void>;
}

const startMs = 60_000;

/**
 * Starts ministack in a Python environment that is made once per list of requirements. `services`: what it plays, by ministack's names,
 * separated by commas; empty for everything it knows.
 */
export async function startMinistack(services = 'dynamodb,s3,ssm'): Promise<Ministack> {
  const python = join(await pythonEnvironment('ministack'), 'python');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-ministack-'));
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn(python, ['-m', 'ministack'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      TMPDIR: folder,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      S3_DATA_DIR: folder,
      SERVICES: services,
      SFTP_ENABLED: '0',
      IOT_MTLS_ENABLED: '0',
      LOG_LEVEL: 'ERROR',
    },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const exited = once(child, 'exit');
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await Promise.race([exited, delay(5000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await waitUntilUp(endpoint, () => child.exitCode !== null);
  } catch (cause) {
    await close();
    throw new Error(`ministack did not start: ${said}`, { cause });
  }
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, close };
}

async function waitUntilUp(endpoint: string, hasExited: () => boolean): Promise<void> {
  const deadline = performance.now() + startMs;
  while (performance.now() < deadline && !hasExited()) {
    const answer = await fetch(`${endpoint}/_ministack/health`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await delay(50);
  }
  throw new Error('no answer');
}
