import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a target tells of itself: CPU time since it started, in microseconds, and its resident memory, in bytes. */
export interface TargetUsage {
  readonly cpuMicros: number;
  readonly rssBytes: number;
  /** DynamoDB commands that it sent since it started, by name; only of targets that count them. */
  readonly commands?: Readonly<Record<string, number>>;
}

/** Listens on a free loopback port, tells the parent where, and answers `usage` questions over IPC. */
export function serveTarget(server: Server): void {
  server.keepAliveTimeout = 60_000;
  const close = async () => {
    server.closeAllConnections();
  };
  server.listen(0, '127.0.0.1', () => announceTarget((server.address() as AddressInfo).port, {}, close));
}

/** Tells the parent where the target is; once the parent lets go, closes it and ends the process. */
export function announceTarget(
  port: number,
  extra: Readonly<Record<string, unknown>>,
  close: () => Promise<void>,
  more: () => Partial<TargetUsage> = () => ({}),
): void {
  process.on('message', (message) => {
    if (message !== 'usage') return;
    const { user, system } = process.cpuUsage();
    const usage = { cpuMicros: user + system, rssBytes: process.memoryUsage.rss(), ...more() };
    process.send?.(usage satisfies TargetUsage);
  });
  process.on('disconnect', () => {
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`A target did not close: ${String(error)}\n`);
        process.exit(1);
      },
    );
  });
  process.send?.({ port, ...extra });
}
