import { parseArgs } from 'node:util';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { writePlatformFile } from '../../runtime/local/platform-file.ts';
import { readSlackSettings } from '../../runtime/local/slack-settings.ts';
import { type Platform, startPlatform } from '../../runtime/local/start-platform.ts';
import { diskReason } from '../../runtime/shared/audit/audit-files.ts';
import { formatCallLines } from '../../runtime/shared/audit/format-call.ts';
import { printable } from '../../runtime/shared/audit/printable.ts';
import type { NotedFailure } from '../../runtime/shared/failure-log.ts';
import { createLogger, silentLogger } from '../../runtime/shared/logger.ts';

const usage = `usage: npm start -- [--port N] [--state DIR] [--ready-file FILE] [--verbose]
  Starts the whole platform on this machine: gateway, authorization server, two tool servers, PostgreSQL, DynamoDB tables, object store.
    --port N           port of the gateway (default 4400); the authorization server and the approvals page take the next two; 0 takes any
                       three that are free
    --state DIR        folder that keeps databases, keys, policy and the audit record (default .toolgate)
    --ready-file FILE  gets JSON when everything answers: endpoint, issuer, approvals, servers, users
    --verbose          log lines of the services, as JSON, on standard error
  Cards of approvals are at /approvals/channel on the third port. SLACK_BOT_TOKEN, SLACK_APP_TOKEN, SLACK_CHANNELS and SLACK_APPROVERS in the
  environment turn to your own Slack, by socket mode (docs/slack.md).
  Ctrl-C stops everything. exit code 0: stopped; 1: could not start; 2: wrong usage.`;

/** Runs the laptop platform until it is told to stop. */
export async function runDev(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'number') return options;
  const stop = new AbortController();
  // A closed terminal is told nothing more; that is no reason to stop without closing the record.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of stopSignals) {
    process.on(signal, () => {
      // The second one is from somebody who will not wait.
      if (stop.signal.aborted) process.exit(1);
      stop.abort();
    });
  }

  let platform: Platform;
  try {
    const slack = readSlackSettings(process.env);
    platform = await startPlatform({
      ...(slack !== undefined && { slack }),
      port: options.port,
      stateDir: options.state,
      logger: options.verbose ? createLogger('toolgate', 'debug') : silentLogger(),
      signal: stop.signal,
      onProgress: (line) => process.stdout.write(`  ${line}\n`),
      onCall: showCall,
      onFailure: showFailure,
    });
  } catch (error) {
    if (stop.signal.aborted) {
      process.stdout.write('Stopped before it was ready.\n');
      return 0;
    }
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (options.verbose) console.error(error);
    return 1;
  }
  if (options.readyFile !== undefined) {
    try {
      writePlatformFile(options.readyFile, platform);
    } catch (error) {
      process.stderr.write(
        `The ready file ${options.readyFile} cannot be written: ${diskReason(error)}. Name another with --ready-file FILE.\n`,
      );
      await platform.close();
      return 1;
    }
  }
  process.stdout.write(welcome(platform, options.state));
  if (!stop.signal.aborted)
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  process.stdout.write('\nStopping ...\n');
  await platform.close();
  process.stdout.write('Stopped. Everything is kept for the next start.\n');
  return 0;
}

/** Calls and refusals; what the platform records of itself is in the record for who looks there. */
function showCall(record: AuditRecord, hash: string): void {
  if (record.event !== 'mcp_call' && record.event !== 'mcp_call_intent' && record.event !== 'http_refusal') return;
  process.stdout.write(`${formatCallLines(record, hash).join('\n')}\n`);
}

/** A call that failed on this side may have no record: that it could not be recorded is told here only. */
function showFailure({ code, sentence, repeated }: NotedFailure): void {
  const more = repeated === 0 ? '' : ` (${repeated} more like it before)`;
  process.stdout.write(
    `${printable(`${new Date().toISOString().slice(11, 23)}  failed: ${code}, ${sentence}${more}`, 600)}\n`,
  );
}

function welcome({ endpoint, issuer, approvals, cards, users, auditDirectory }: Platform, state: string): string {
  const stateOption = state === '.toolgate' ? '' : ` --state ${state}`;
  const call = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'postgres.readonly',
      arguments: { sql: 'select name, email, ssn, city from customers order by id limit 2' },
    },
  });
  return `
Toolgate is ready.

  endpoint   ${endpoint}
  issuer     ${issuer}
  approvals  ${approvals}
  slack      ${'channel' in cards ? `${cards.channel} (stands in for Slack)` : `${printable(cards.workspace, 80)}, over a socket`}
  users      ${users.map((user) => `${user.name} (${user.tenant}, ${user.role})`).join('\n             ')}

Make a governed call:
  curl -s ${endpoint} -H "authorization: Bearer $(npx toolgate token --user alice${stateOption})" -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' -d '${call}'

Add it to a client (it opens a browser to sign in):
  claude mcp add --transport http toolgate ${endpoint}

Check the record:
  npx toolgate audit verify ${auditDirectory}

Ctrl-C stops everything. Calls show up below.

`;
}

function readOptions(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string', default: '4400' },
        state: { type: 'string', default: '.toolgate' },
        'ready-file': { type: 'string' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_534)
      throw new Error(`--port takes a whole number from 0 to 65534, got ${values.port}`);
    return { port, state: values.state, readyFile: values['ready-file'], verbose: values.verbose };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    return 2;
  }
}
