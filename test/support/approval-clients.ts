import { readFileSync } from 'node:fs';
import { type InspectorEra, runInspector } from './inspector.ts';
import { personAtBrowser } from './person-at-browser.ts';
import { type ClientAnswer, connectSdkV1, connectSdkV2, type RealClient, resultOf } from './real-clients.ts';
import type { PlatformUnderTest } from './test-platform.ts';

/** A client that asks for changes. */
export interface ApprovalClient {
  /** As `docs/clients.md` calls it. */
  readonly name: string;
  readonly version: string;
  /** How it waits for people: `docs/wire.md`, "A call that waits for a person". */
  readonly waits: 'page' | 'rounds' | 'words';
  /** It asks for progress, and says what comes. */
  readonly tellsProgress: boolean;
  /** Connects as the operator oscar to the server that changes data. Pages that it shows are noted in `shown`. */
  connect(platform: PlatformUnderTest, shown: string[]): Promise<RealClient>;
}

const operator = 'oscar';
const v2 = { version: versionOf('@modelcontextprotocol/client', '../../package.json'), tellsProgress: true };

export const sdkClients: readonly ApprovalClient[] = [
  {
    ...v2,
    name: 'SDK v2 that shows pages',
    waits: 'page',
    connect: (platform, shown) =>
      connectSdkV2(writeDoor(platform), personOf(platform), async (page) => void shown.push(page)),
  },
  {
    ...v2,
    name: 'SDK v2 without pages',
    waits: 'rounds',
    connect: (platform) => connectSdkV2(writeDoor(platform), personOf(platform)),
  },
  {
    name: 'SDK v1',
    version: versionOf('@modelcontextprotocol/sdk', '../../package.json'),
    waits: 'words',
    tellsProgress: true,
    connect: (platform) => connectSdkV1(writeDoor(platform), personOf(platform)),
  },
];

export const inspectors: readonly ApprovalClient[] = [inspector('modern', 'rounds'), inspector('legacy', 'words')];

/** The Inspector's command line, which is one process for one call. */
function inspector(era: InspectorEra, waits: 'rounds' | 'words'): ApprovalClient {
  return {
    name: `Inspector, era ${era},`,
    version: versionOf('@modelcontextprotocol/inspector', '../peers/package.json'),
    waits,
    tellsProgress: false,
    async connect(platform) {
      const url = writeDoor(platform);
      const token = await platform.token(operator, url, 'postgres:query:write');
      return {
        revision: undefined,
        listTools: async () => [],
        async callTool(tool, args, { signal } = {}): Promise<ClientAnswer> {
          const run = await runInspector({
            ...{ url, era, token, method: 'tools/call', tool, args },
            ...(signal !== undefined && { signal }),
          });
          if (run.json?.result !== undefined) return resultOf(run.json.result);
          return { kind: 'refusal', code: run.exitCode, message: run.stdout + run.stderr };
        },
        close: async () => {},
      };
    },
  };
}

function writeDoor({ servers }: PlatformUnderTest): string {
  if (servers.write === undefined) throw new Error('there is no server write');
  return servers.write;
}

function personOf({ signIn }: PlatformUnderTest) {
  return personAtBrowser(operator, undefined, signIn);
}

function versionOf(name: string, file: string): string {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
  return { ...dependencies, ...devDependencies }[name];
}
