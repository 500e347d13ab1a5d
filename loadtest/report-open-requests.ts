/** Other calls through a gateway in which `open` calls wait for people. */
export interface HoldingRow {
  readonly open: number;
  readonly connections: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosPerCall: number;
  /** Of one core, while no other call comes. */
  readonly restingCpuShare: number;
  readonly rssBytes: number;
  readonly failures: number;
}

/** Replicas of the approvals service that look after `open` questions; one figure for each replica. */
export interface FollowingRow {
  readonly open: number;
  /** Of one core. */
  readonly cpuShare: readonly number[];
  readonly rssBytes: readonly number[];
  readonly scansPerSecond: readonly number[];
  readonly otherPerSecond: readonly number[];
  /** In the one channel, of both replicas together. */
  readonly messagesPerSecond: number;
}

/** A Markdown table: medians over the rounds, with the ratio to the gateway in which nobody waits. */
export function formatHolding(rows: readonly HoldingRow[]): string {
  const lines = [
    '| connections | calls that wait | calls/s | p50 ms | ratio | p99 ms | ratio | CPU µs/call | CPU at rest | RSS MiB |',
    '|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
  ];
  const groups = [...Map.groupBy(rows, ({ connections, open }) => `${connections} ${open}`).values()];
  for (const group of groups.toSorted((a, b) => at(a).connections - at(b).connections || at(a).open - at(b).open)) {
    const { connections, open } = at(group);
    const idle = rows.filter((row) => row.connections === connections && row.open === 0);
    const ratio = (figure: (row: HoldingRow) => number) => (median(group, figure) / median(idle, figure)).toFixed(2);
    lines.push(
      `| ${[
        connections,
        open,
        median(group, (row) => row.callsPerSecond).toFixed(0),
        median(group, (row) => row.p50Ms).toFixed(2),
        ratio((row) => row.p50Ms),
        median(group, (row) => row.p99Ms).toFixed(2),
        ratio((row) => row.p99Ms),
        median(group, (row) => row.cpuMicrosPerCall).toFixed(0),
        percent(median(group, (row) => row.restingCpuShare)),
        mebibytes(median(group, (row) => row.rssBytes)),
      ].join(' | ')} |`,
    );
  }
  return lines.join('\n');
}

/** A Markdown table; the replica that sends comes first. */
export function formatFollowing(rows: readonly FollowingRow[]): string {
  const lines = [
    '| open questions | messages/s | lists/s | other commands/s | CPU of a core | RSS MiB |',
    '|---:|---:|---:|---:|---:|---:|',
  ];
  for (const row of rows) {
    const both = (figures: readonly number[], format: (figure: number) => string) => {
      const order = row.cpuShare.map((_, n) => n).sort((a, b) => (row.cpuShare[b] ?? 0) - (row.cpuShare[a] ?? 0));
      return order.map((n) => format(figures[n] ?? 0)).join(' and ');
    };
    lines.push(
      `| ${[
        row.open,
        row.messagesPerSecond.toFixed(2),
        both(row.scansPerSecond, (figure) => figure.toFixed(2)),
        both(row.otherPerSecond, (figure) => figure.toFixed(1)),
        both(row.cpuShare, percent),
        both(row.rssBytes, mebibytes),
      ].join(' | ')} |`,
    );
  }
  return lines.join('\n');
}

function at<T>(group: readonly T[]): T {
  return group[0] as T;
}

function median<T>(rows: readonly T[], figure: (row: T) => number): number {
  const sorted = rows.map(figure).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
