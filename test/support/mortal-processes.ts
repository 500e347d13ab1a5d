import { AsyncLocalStorage } from 'node:async_hooks';
import { type ApprovalStore, createApprovalStore } from '../../runtime/shared/approval-store.ts';
import type { DynamoDBClient } from '../../runtime/shared/dynamo.ts';
import { createGrantStore, type GrantStore } from '../../runtime/shared/grant-store.ts';
import { type TestDynamo, tablePrefix } from './local-dynamo.ts';

/** Long: what is tested is dying, not waiting. */
const deadlineMs = 30_000;

/** A process dies at its n-th command, before it is sent or before its answer comes back. */
export interface Crash {
  readonly at: number;
  readonly isSent: boolean;
}

interface Life {
  left: number;
  readonly isSent: boolean;
  isDead: boolean;
}

/** Two gateways and two approvers, each with a client of its own, all of whom may die. */
export class Processes {
  readonly approvals: readonly ApprovalStore[];
  readonly grants: readonly GrantStore[];
  readonly clients: readonly DynamoDBClient[];
  readonly #life = new AsyncLocalStorage<Life>();

  constructor(dynamo: TestDynamo) {
    this.clients = [0, 1].map(() => this.#mortal(dynamo.createClient()));
    this.approvals = this.clients.map((client) => createApprovalStore({ client, tablePrefix, deadlineMs }));
    this.grants = this.clients.map((client) => createGrantStore({ client, tablePrefix, deadlineMs }));
  }

  /** What `work` came to; undefined when its process died on the way. */
  async run<T>(crash: Crash | undefined, work: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    const life = { left: crash?.at ?? Number.POSITIVE_INFINITY, isSent: crash?.isSent ?? false, isDead: false };
    try {
      const value = await this.#life.run(life, work);
      return life.isDead ? undefined : { value };
    } catch (error) {
      if (life.isDead) return undefined;
      throw error;
    }
  }

  /** One thing that reaches beyond the process, as a command does. */
  async step<T>(work: () => Promise<T>): Promise<T> {
    const life = this.#life.getStore();
    if (life === undefined) return work();
    if (life.isDead) throw new Error('dead');
    life.left -= 1;
    if (life.left >= 0) return work();
    life.isDead = true;
    if (life.isSent) await work();
    throw new Error('killed');
  }

  #mortal(client: DynamoDBClient): DynamoDBClient {
    client.middlewareStack.add((next) => (args) => this.step(() => next(args)), { step: 'initialize' });
    return client;
  }
}
