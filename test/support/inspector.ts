import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type InspectorEra = 'legacy' | 'auto' | 'modern';

/** How one run of the Inspector's command line ended. */
export interface InspectorRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What it printed, as JSON; undefined when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects.
  readonly json: any;
}

export interface InspectorOptions {
  readonly url: string;
  readonly era: InspectorEra;
  /** Without it the Inspector comes without a credential. */
  readonly token?: string;
  readonly method: string;
  readonly tool?: string;
  readonly args?: Readonly<Record<string, unknown>>;
  /** Kills it; the run rejects then. */
  readonly signal?: AbortSignal;
}

const program = fileURLToPath(
  new URL('../peers/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', import.meta.url),
);

/** Runs the MCP Inspector once, with a home of its own, so that it finds nobody's stored credentials. */
export async function runInspector(options: InspectorOptions): Promise<InspectorRun> {
  const { url, era, token, method, tool, args, signal } = options;
  const home = await mkdtemp(join(tmpdir(), 'toolgate-inspector-'));
  const argv = [
    '--cli',
    url,
    ...['--transport', 'http', '--protocol-era', era, '--format', 'json', '--stored-auth-only', '--method', method],
    ...(token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]),
    ...(tool === undefined ? [] : ['--tool-name', tool]),
    ...(args === undefined ? [] : ['--tool-args-json', JSON.stringify(args)]),
  ];
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...argv], {
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
        ...(signal !== undefined && { signal }),
        env: { PATH: process.env.PATH, HOME: home, NO_COLOR: '1' },
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      child.on('error', reject);
      child.on('close', (code) => resolve({ exitCode: code ?? 1, stdout, stderr, json: jsonOf(stdout) }));
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
