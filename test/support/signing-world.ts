import { generateKeyPairSync, sign } from 'node:crypto';
import { type Logger, pino } from 'pino';
import { gatewayActor, registryActor } from '../../runtime/contract/upstream-issuers.ts';
import {
  type EndorsedSigningKeys,
  openEndorsedSigningKeys,
} from '../../runtime/shared/signing-keys/endorsed-signing-keys.ts';
import type { KeyEndorser } from '../../runtime/shared/signing-keys/key-statement.ts';
import { createPublishedKeys } from '../../runtime/shared/signing-keys/published-keys.ts';
import { type PublicKeySet, toPublicJwk } from '../../runtime/shared/signing-keys/signing-keys.ts';
import type { StatementStore } from '../../runtime/shared/signing-keys/statement-store.ts';

export type Signer = 'gateway' | 'registry';

export const actors: Readonly<Record<Signer, string>> = {
  gateway: gatewayActor('toolgate.test'),
  registry: registryActor('toolgate.test'),
};

/** Two root keys, a table and a clock that several processes share, each of which can be taken away. */
export interface SigningWorld {
  nowMs: number;
  readonly roots: Readonly<Record<Signer, KeyEndorser>>;
  /** By key id. */
  readonly table: Map<string, string>;
  /** What was asked for, e.g. `sign`, `put`, `list`, in order. */
  readonly asked: string[];
  /** What does not answer at the moment. */
  readonly gone: Set<'kms' | 'table'>;
  /** Messages that were logged. */
  readonly log: string[];
  /** Keys of one more process; nothing happens in it but by `advance`. */
  open(signer?: Signer): Promise<EndorsedSigningKeys>;
  /** The key set of a service, as gateways publish it at this moment. */
  published(signer: Signer): Promise<PublicKeySet>;
}

export const leadMs = 35_000;
export const hourMs = 3_600_000;

export function createSigningWorld(): SigningWorld {
  const roots = { gateway: createEndorser(), registry: createEndorser() };
  const table = new Map<string, string>();
  const asked: string[] = [];
  const gone = new Set<'kms' | 'table'>();
  const log: string[] = [];
  const ask = (what: string, of: 'kms' | 'table') => {
    asked.push(what);
    if (gone.has(of)) throw new Error(`${of} is gone`);
  };
  const store: StatementStore = {
    async put(kid, statement) {
      ask('put', 'table');
      table.set(kid, statement);
    },
    async list() {
      ask('list', 'table');
      return [...table].map(([kid, statement]) => ({ kid, statement }));
    },
  };
  const world: SigningWorld = {
    nowMs: 1_795_000_000_000,
    roots,
    table,
    asked,
    gone,
    log,
    open: (signer = 'gateway') =>
      openEndorsedSigningKeys({
        openEndorser: async () => {
          ask('public key', 'kms');
          return {
            ...roots[signer],
            async sign(bytes) {
              ask('sign', 'kms');
              return roots[signer].sign(bytes);
            },
          };
        },
        store,
        actor: actors[signer],
        writer: `${signer}-1`,
        now: () => world.nowMs,
        logger: listening(log),
        leadMs,
        tickMs: 0,
      }),
    published: (signer) =>
      createPublishedKeys({
        store,
        actor: actors[signer],
        root: async () => roots[signer],
        now: () => world.nowMs,
        logger: listening(log),
      }).jwks(),
  };
  return world;
}

/** A root key outside of any KMS. */
export function createEndorser(): KeyEndorser {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    kid: toPublicJwk(publicKey.export({ format: 'jwk' })).kid,
    publicKey,
    sign: async (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  };
}

function listening(log: string[]): Logger {
  return pino({ level: 'info' }, { write: (line: string) => log.push(JSON.parse(line).msg) });
}
