import { generateKeyPairSync, sign } from 'node:crypto';
import { type Logger, pino } from 'pino';
import {
  type EndorsedKeysOptions,
  type EndorsedSigningKeys,
  openEndorsedSigningKeys,
} from '../../runtime/shared/signing-keys/endorsed-signing-keys.ts';
import type { KeyEndorser } from '../../runtime/shared/signing-keys/key-statement.ts';
import { toPublicJwk } from '../../runtime/shared/signing-keys/signing-keys.ts';
import type { StatementStore } from '../../runtime/shared/signing-keys/statement-store.ts';

/** A root key, a table and a clock that several processes share, each of which can be taken away. */
export interface SigningWorld {
  nowMs: number;
  readonly endorser: KeyEndorser;
  /** By key id. */
  readonly table: Map<string, string>;
  /** What was asked for, e.g. `sign`, `put`, `list`, in order. */
  readonly asked: string[];
  /** What does not answer at the moment. */
  readonly gone: Set<'kms' | 'table'>;
  /** Messages that were logged. */
  readonly log: string[];
  /** Keys of one more process; nothing happens in it but by `advance`. */
  open(options?: Partial<EndorsedKeysOptions>): Promise<EndorsedSigningKeys>;
}

export const leadMs = 35_000;
export const hourMs = 3_600_000;

export function createSigningWorld(): SigningWorld {
  const endorser = createEndorser();
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
    endorser,
    table,
    asked,
    gone,
    log,
    open: (options) =>
      openEndorsedSigningKeys({
        openEndorser: async () => {
          ask('public key', 'kms');
          return {
            ...endorser,
            async sign(bytes) {
              ask('sign', 'kms');
              return endorser.sign(bytes);
            },
          };
        },
        store,
        actor: 'spiffe://toolgate.test/gateway',
        writer: 'gateway-1',
        now: () => world.nowMs,
        logger: listening(log),
        leadMs,
        tickMs: 0,
        ...options,
      }),
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
