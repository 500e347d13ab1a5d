import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { obtainToken } from '../../runtime/local/obtain-token.ts';

const usage = `usage: toolgate token --user NAME [--resource URL] [--scope "..."] [--state DIR]
  Prints an access token for a sample user of the platform that runs on this machine. It is a real one, by the real flow.
    --user NAME      one of the users that npm start lists
    --resource URL   the MCP endpoint that the token is for (default: the one of all servers)
    --scope "..."    scopes, separated by blanks (default: every scope of the resource that changes nothing)
    --state DIR      state folder of the platform (default .toolgate)
  exit code 0: the token is on standard output; 1: there is none, and why is on standard error; 2: wrong usage.`;

interface RunningPlatform {
  readonly issuer: string;
  readonly users: readonly { readonly name: string }[];
}

/** Prints a token for a sample user; see the usage. */
export async function runToken(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'number') return options;
  const { user, state, resource, scope } = options;
  try {
    const platform = readPlatform(state);
    const names = platform.users.map(({ name }) => name);
    if (!names.includes(user)) return fail(`There is no user "${user}". The users are ${names.join(', ')}.`);
    const token = await obtainToken({
      issuer: platform.issuer,
      user,
      ...(resource === undefined ? {} : { resource }),
      ...(scope === undefined ? {} : { scope }),
    });
    process.stdout.write(`${token}\n`);
    return 0;
  } catch (error) {
    return fail(isUnreachable(error) ? notRunning(state) : error instanceof Error ? error.message : String(error));
  }
}

function readOptions(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        user: { type: 'string' },
        resource: { type: 'string' },
        scope: { type: 'string' },
        state: { type: 'string', default: '.toolgate' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    if (values.user === undefined) throw new Error('--user NAME is missing.');
    return { ...values, user: values.user };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    return 2;
  }
}

function readPlatform(state: string): RunningPlatform {
  let text: string;
  try {
    text = readFileSync(join(state, 'platform.json'), 'utf8');
  } catch {
    throw new Error(notRunning(state));
  }
  try {
    const { issuer, users } = JSON.parse(text) as Partial<RunningPlatform>;
    if (typeof issuer === 'string' && Array.isArray(users)) return { issuer, users };
  } catch {
    // Said below, in one sentence for both.
  }
  throw new Error(`${join(state, 'platform.json')} cannot be read: stop the platform and start it again.`);
}

function notRunning(state: string): string {
  return `No platform runs in ${state}: start it with npm start, or name its folder with --state DIR.`;
}

/** Node reports a refused connection as the cause of a bare "fetch failed". */
function isUnreachable(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}

function fail(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 1;
}
