import type { AgentDeclaration } from '../contract/agent-declaration.ts';
import type { Logger } from '../shared/logger.ts';
import { agentItems } from './agents.ts';
import { agentIdPrefix } from './client-kinds.ts';
import type { Item, ItemStore } from './clients/item-store.ts';
import { readAgent } from './read-agent.ts';
import { StoreUnavailable } from './store-unavailable.ts';

/** The agents that the platform team declared, held in memory. */
export interface DeclaredAgents {
  /** Throws {@link StoreUnavailable} before the first good reading, and when the last one is too old. */
  find(clientId: string): AgentDeclaration | undefined;
  /** Reads now. Never rejects: what went wrong is in `problem` and the log. */
  refresh(): Promise<void>;
  /** Why agents cannot sign in, in a phrase. */
  problem(): string | undefined;
  close(): void;
}

export interface WatchAgentsOptions {
  /** Declarations as they are written, by the last part of their parameter's name. */
  readonly list: () => Promise<ReadonlyMap<string, string>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Between two readings; up to a tenth is added. 0: only when `refresh` is called. */
  readonly intervalMs: number;
  /** How long the last good reading serves. */
  readonly ageMaxMs: number;
}

/**
 * Follows the declarations until `close`. Nothing is stored: an agent that is declared no more gets no token after the next reading. A broken
 * declaration is no agent, and harms no other one.
 */
export function watchDeclaredAgents(options: WatchAgentsOptions): DeclaredAgents {
  const { list, now, logger, intervalMs, ageMaxMs } = options;
  let agents: ReadonlyMap<string, AgentDeclaration> = new Map();
  let readAtMs: number | undefined;
  let faults: ReadonlyMap<string, string> = new Map();
  let isSilent = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  async function refresh(): Promise<void> {
    const askedAtMs = now();
    try {
      const declared = await list();
      const found = new Map<string, AgentDeclaration>();
      const faultsNow = new Map<string, string>();
      for (const [name, text] of declared) {
        try {
          found.set(agentIdPrefix + name, readAgent(name, text));
        } catch (error) {
          const cause = error instanceof Error ? error.message : String(error);
          faultsNow.set(name, cause);
          // Once a cause, however often it is read.
          if (faults.get(name) !== cause) logger.error({ agent: name, cause }, 'a declared agent is refused');
        }
      }
      if (isSilent) logger.info('the declarations of agents can be read again');
      agents = found;
      faults = faultsNow;
      readAtMs = askedAtMs;
      isSilent = false;
    } catch (error) {
      if (!isSilent) logger.error({ err: error }, 'the declarations of agents cannot be read');
      isSilent = true;
    }
  }

  const isUsable = () => readAtMs !== undefined && now() - readAtMs <= ageMaxMs;
  function schedule(): void {
    if (isClosed || intervalMs === 0) return;
    timer = setTimeout(() => void refresh().then(schedule), intervalMs * (1 + Math.random() / 10)).unref();
  }
  schedule();

  return {
    find(clientId) {
      if (!isUsable()) throw new StoreUnavailable(new Error('the declarations of agents cannot be read'));
      return agents.get(clientId);
    },
    refresh,
    problem: () => (isUsable() ? undefined : 'the declarations of agents cannot be read'),
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** The store with the declared agents in it, as if they had been registered there. A declared one hides one that was registered by its name. */
export function withDeclaredAgents(items: ItemStore, agents: DeclaredAgents): ItemStore {
  return {
    ...items,
    async get(pk): Promise<Item | undefined> {
      const clientId = /^(?:Client|Agent):(agent-.+)$/.exec(pk)?.[1];
      if (clientId === undefined) return items.get(pk);
      const declared = agents.find(clientId);
      if (declared === undefined) return items.get(pk);
      const { identity, client } = agentItems(declared);
      return pk === identity.pk ? identity : client;
    },
  };
}
