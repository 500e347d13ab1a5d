import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { objectStoreContract } from './object-store-contract.ts';

const run = promisify(execFile);
const emulator = 'ministack==1.5.33';

objectStoreContract(`the emulator ${emulator}`, async () => {
  const python = await installEmulator();
  const port = await freePort();
  const child = spawn(python, ['-m', 'ministack'], {
    env: { ...process.env, GATEWAY_PORT: String(port), SERVICES: 's3', LOG_LEVEL: 'ERROR' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await waitUntilItAnswers(endpoint, child);
  return {
    endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    close: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(late);
    },
  };
});

/** Installs into a folder of the user's cache once; returns its Python. */
async function installEmulator(): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = join(cache, 'toolgate', emulator);
  const python = join(folder, 'bin', 'python');
  const marker = join(folder, 'installed');
  if (existsSync(marker)) return python;
  mkdirSync(folder, { recursive: true });
  await run('python3', ['-m', 'venv', '--clear', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', emulator]);
  writeFileSync(marker, '');
  return python;
}

async function waitUntilItAnswers(endpoint: string, child: ChildProcess): Promise<void> {
  const end = performance.now() + 60_000;
  while (performance.now() < end) {
    if (child.exitCode !== null) throw new Error(`the emulator ended with ${child.exitCode}`);
    try {
      await fetch(endpoint);
      return;
    } catch {
      await delay(50);
    }
  }
  throw new Error('the emulator did not answer within 60 s');
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
