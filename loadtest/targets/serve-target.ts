import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a target tells of itself: CPU time since it started, in microseconds, and its resident memory, in bytes. */
export interface TargetUsage {
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

/** Listens on a free loopback port, tells the parent where, and answers `usage` questions over IPC. */
export function serveTarget(server: Server): void {
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => announceTarget((server.address() as AddressInfo).port));
}

export function announceTarget(port: number, extra: Readonly<Record<string, unknown>> = {}): void {
  process.on('message', (message) => {
    if (message !== 'usage') return;
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss() } satisfies TargetUsage);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port, ...extra });
}
