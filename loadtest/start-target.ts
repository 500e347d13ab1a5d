import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TargetUsage } from './targets/serve-target.ts';

/** A process of the benchmark that listens. */
export interface Target {
  readonly name: string;
  readonly child: ChildProcess;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the store. */
  readonly endpoint: string | undefined;
}

/** Of every call of the benchmark. */
const defaultHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'bench.add',
};

/** `file` beside this one. Rejects when it ends before it listens. */
export async function startTarget(name: string, file: string, env: Record<string, string>): Promise<Target> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [message] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`the target ${name} ended with ${code} before it listened`)),
    ),
  ])) as [{ port: number; headers?: Record<string, string>; endpoint?: string }];
  return {
    name,
    child,
    port: message.port,
    headers: { ...defaultHeaders, ...message.headers },
    endpoint: message.endpoint,
  };
}

/** The answer of a process to one message. */
export async function ask<Answer>(child: ChildProcess, message: string | object): Promise<Answer> {
  child.send(message);
  const [answer] = (await once(child, 'message')) as [Answer];
  return answer;
}

export function usageOf({ child }: Pick<Target, 'child'>): Promise<TargetUsage> {
  return ask(child, 'usage');
}

/** Targets close when their parent lets go. */
export async function letGo(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}
