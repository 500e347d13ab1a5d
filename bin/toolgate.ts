/** The command line. Each command owns its arguments; an unknown one lists what there is. */
const commands: Readonly<
  Record<string, { readonly what: string; readonly run: (argv: readonly string[]) => Promise<number> }>
> = {
  dev: {
    what: 'start the whole platform on this machine (in a clone of the repository)',
    run: async (argv) => (await import('./commands/dev.ts')).runDev(argv),
  },
  token: {
    what: 'get an access token for a sample user of the running platform (in a clone)',
    run: async (argv) => (await import('./commands/token.ts')).runToken(argv),
  },
  audit: {
    what: 'verify, show or query an audit directory, offline',
    run: async (argv) => (await import('./commands/audit.ts')).runAudit(argv),
  },
};

/** Runs one command and returns its exit code: 0 done, 1 the answer is no or it failed, 2 wrong usage. */
export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const command = name === undefined || !Object.hasOwn(commands, name) ? undefined : commands[name];
  if (command !== undefined) return runInstalled(command.run, rest);
  const isHelp = name === undefined || name === '--help' || name === '-h' || name === 'help';
  const out = isHelp ? process.stdout : process.stderr;
  if (!isHelp) out.write(`There is no command "${name}".\n`);
  out.write(
    `usage: toolgate <command> [options]   (toolgate <command> --help says more)\n${Object.entries(commands)
      .map(([key, { what }]) => `  ${key.padEnd(8)} ${what}\n`)
      .join('')}`,
  );
  return isHelp ? 0 : 2;
}

/** The packed tarball leaves out what only the laptop platform needs, so a command may find a library missing. */
async function runInstalled(
  run: (argv: readonly string[]) => Promise<number>,
  argv: readonly string[],
): Promise<number> {
  try {
    return await run(argv);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    process.stderr.write('This command runs in a clone of the repository: clone it and run "npm start" there first.\n');
    return 1;
  }
}
