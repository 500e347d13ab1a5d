import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A command-line agent, and how it is run for one prompt without a person at the keyboard. */
export interface AgentProgram {
  readonly name: string;
  /** Its npm package. */
  readonly package: string;
  readonly command: string;
  argv(place: AgentPlace): readonly string[];
  environment(place: AgentPlace): Readonly<Record<string, string>>;
  /** Files of its home folder. */
  files(place: AgentPlace): Readonly<Record<string, object | string>>;
}

/** What an agent is told. */
export interface AgentPlace {
  readonly home: string;
  readonly modelUrl: string;
  /** MCP door of a server, and the token for it. */
  readonly mcpUrl: string;
  readonly token: string;
}

export interface AgentRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const bin = (name: string) => fileURLToPath(new URL(`../../agents/node_modules/.bin/${name}`, import.meta.url));
const prompt = 'Correct the stock of the product.';

export const agentPrograms: readonly AgentProgram[] = [
  {
    name: 'Claude Code',
    package: '@anthropic-ai/claude-code',
    command: 'claude',
    argv: ({ home }) => [
      ...['-p', prompt, '--model', 'claude-sonnet-4-5', '--output-format', 'stream-json', '--verbose'],
      ...['--mcp-config', join(home, 'mcp.json'), '--strict-mcp-config', '--allowedTools', 'mcp__write'],
    ],
    environment: ({ modelUrl }) => ({
      ANTHROPIC_BASE_URL: modelUrl,
      ANTHROPIC_API_KEY: 'none',
      ENABLE_TOOL_SEARCH: 'false',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    }),
    files: ({ mcpUrl, token }) => ({
      'mcp.json': {
        mcpServers: { write: { type: 'http', url: mcpUrl, headers: { Authorization: `Bearer ${token}` } } },
      },
    }),
  },
  {
    name: 'Codex',
    package: '@openai/codex',
    command: 'codex',
    argv: () => ['exec', '--skip-git-repo-check', '--json', prompt],
    environment: ({ home, token }) => ({ CODEX_HOME: join(home, '.codex'), MODEL_KEY: 'none', TOOLGATE_TOKEN: token }),
    files: ({ modelUrl, mcpUrl }) => ({
      '.codex/config.toml': `model = "gpt-5.1"
model_provider = "script"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.script]
name = "script"
base_url = "${modelUrl}/v1"
env_key = "MODEL_KEY"
wire_api = "responses"
[mcp_servers.write]
url = "${mcpUrl}"
bearer_token_env_var = "TOOLGATE_TOKEN"
`,
    }),
  },
  {
    name: 'opencode',
    package: 'opencode-ai',
    command: 'opencode',
    argv: () => ['run', '--model', 'script/scripted', '--format', 'json', prompt],
    environment: () => ({ OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1' }),
    files: ({ modelUrl, mcpUrl, token }) => ({
      '.config/opencode/opencode.json': {
        $schema: 'https://opencode.ai/config.json',
        autoupdate: false,
        share: 'disabled',
        provider: {
          script: {
            npm: '@ai-sdk/openai-compatible',
            name: 'script',
            options: { baseURL: `${modelUrl}/v1`, apiKey: 'none' },
            models: { scripted: { name: 'scripted', tool_call: true, limit: { context: 100_000, output: 4_000 } } },
          },
        },
        mcp: {
          write: {
            type: 'remote',
            url: mcpUrl,
            oauth: false,
            headers: { Authorization: `Bearer ${token}` },
            timeout: 60_000,
          },
        },
      },
    }),
  },
  {
    name: 'Gemini CLI',
    package: '@google/gemini-cli',
    command: 'gemini',
    argv: () => ['-y', '--model', 'gemini-2.5-flash', '-p', prompt, '--output-format', 'stream-json'],
    environment: ({ modelUrl }) => ({
      GOOGLE_GEMINI_BASE_URL: modelUrl,
      GEMINI_API_KEY: 'none',
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    }),
    files: ({ mcpUrl, token }) => ({
      '.gemini/settings.json': {
        security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
        general: { disableAutoUpdate: true, disableUpdateNag: true },
        privacy: { usageStatisticsEnabled: false },
        mcpServers: { write: { httpUrl: mcpUrl, headers: { Authorization: `Bearer ${token}` }, trust: true } },
      },
    }),
  },
];

/** Runs an agent for one prompt, with a home of its own, so that it finds nobody's settings; killed after `timeoutMs`. */
export async function runAgent(
  program: AgentProgram,
  place: Omit<AgentPlace, 'home'>,
  timeoutMs = 240_000,
): Promise<AgentRun> {
  const home = await mkdtemp(join(tmpdir(), 'toolgate-agent-'));
  const here = { ...place, home };
  try {
    for (const [path, content] of Object.entries(program.files(here))) {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), typeof content === 'string' ? content : JSON.stringify(content));
    }
    await mkdir(join(home, 'work'));
    return await new Promise((resolve, reject) => {
      const child = spawn(bin(program.command), program.argv(here), {
        cwd: join(home, 'work'),
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
        env: { PATH: process.env.PATH, HOME: home, NO_COLOR: '1', ...program.environment(here) },
      });
      // Agents are launchers of other programs: all of them end together.
      const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), timeoutMs);
      const output = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].setEncoding('utf8').on('data', (chunk: string) => {
          output[stream] += chunk;
        });
      }
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(timer);
        resolve({ exitCode: code ?? 1, ...output });
      });
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
