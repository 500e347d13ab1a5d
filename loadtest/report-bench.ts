/** One target at one number of connections. */
export interface BenchRow {
  readonly target: string;
  readonly connections: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the target's process, all threads. */
  readonly cpuMicrosPerCall: number;
  readonly rssBytes: number;
  readonly failures: number;
}

/** The median of each figure over the rounds, a row for each target and number of connections. */
export function mediansOf(rows: readonly BenchRow[]): BenchRow[] {
  const groups = Map.groupBy(rows, (row) => `${row.connections} ${row.target}`);
  return [...groups.values()].map((group) => {
    const first = group[0] as BenchRow;
    const median = (figure: (row: BenchRow) => number) => {
      const sorted = group.map(figure).sort((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)] as number;
    };
    return {
      target: first.target,
      connections: first.connections,
      callsPerSecond: median((row) => row.callsPerSecond),
      p50Ms: median((row) => row.p50Ms),
      p99Ms: median((row) => row.p99Ms),
      cpuMicrosPerCall: median((row) => row.cpuMicrosPerCall),
      rssBytes: median((row) => row.rssBytes),
      failures: group.reduce((sum, row) => sum + row.failures, 0),
    };
  });
}

/** A Markdown table with the ratios to the bare proxy, and what each control costs: everything minus the gateway without it. */
export function formatTable(rows: readonly BenchRow[]): string {
  const lines = [
    '| connections | target | calls/s | of bare | p50 ms | added p50 ms | p99 ms | CPU µs/call | cost of the control µs | RSS MiB |',
    '|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|',
  ];
  for (const row of rows.toSorted((a, b) => a.connections - b.connections)) {
    const bare = rows.find(({ target, connections }) => target === 'bare' && connections === row.connections);
    const everything = rows.find(
      ({ target, connections }) => target === 'everything' && connections === row.connections,
    );
    const cost =
      row.target.startsWith('no-') && everything ? (everything.cpuMicrosPerCall - row.cpuMicrosPerCall).toFixed(0) : '';
    lines.push(
      `| ${[
        row.connections,
        row.target,
        row.callsPerSecond.toFixed(0),
        bare ? (row.callsPerSecond / bare.callsPerSecond).toFixed(2) : '',
        row.p50Ms.toFixed(3),
        bare ? (row.p50Ms - bare.p50Ms).toFixed(3) : '',
        row.p99Ms.toFixed(3),
        row.cpuMicrosPerCall.toFixed(0),
        cost,
        (row.rssBytes / 1024 / 1024).toFixed(0),
      ].join(' | ')} |`,
    );
  }
  return lines.join('\n');
}
