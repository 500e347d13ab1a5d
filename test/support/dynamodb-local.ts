import { execFile, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

/** DynamoDB Local, Amazon's own stand-in, on a free loopback port, in memory. */
export interface DynamoDbLocal {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  close(): Promise<void>;
}

const pom = fileURLToPath(new URL('./dynamodb-local/pom.xml', import.meta.url));
const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));
const startMs = 60_000;

/** Fetches the jars from Maven Central once per version, and starts it. */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const jars = await openJars();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-dynamodb-local-'));
  const child = spawn(
    'java',
    [
      `-Djava.library.path=${jars}`,
      ...['-cp', join(jars, '*'), 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner'],
      ...['-inMemory', '-port', String(port), '-disableTelemetry'],
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, HOME: folder } },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said = (said + chunk).slice(-4000);
    });
  }
  const exited = once(child, 'exit');
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = performance.now() + startMs;
  while (performance.now() < deadline && child.exitCode === null) {
    const answer = await fetch(endpoint).catch(() => undefined);
    await answer?.body?.cancel();
    // Unsigned, so it is a no, but an answer.
    if (answer !== undefined)
      return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, close };
    await delay(50);
  }
  await close();
  throw new Error(`DynamoDB Local did not start: ${said}`);
}

/** A folder with exactly the pinned jars. */
async function openJars(): Promise<string> {
  const folder = join(cache, `dynamodb-local-${hash('sha256', readFileSync(pom)).slice(0, 12)}`);
  // Written last, so that a download that was cut off is made anew.
  const marker = join(folder, 'complete');
  if (existsSync(marker)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
  await promisify(execFile)('mvn', [
    '-q',
    '-B',
    '-f',
    pom,
    goal,
    `-DoutputDirectory=${folder}`,
    '-DincludeScope=runtime',
  ]);
  writeFileSync(marker, '');
  return folder;
}
