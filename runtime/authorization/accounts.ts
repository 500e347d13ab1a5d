import type { ItemStore } from './clients/item-store.ts';
import type { Account } from './sample-users.ts';

/** People as the upstream issuer described them when they last signed in. Both methods throw StoreUnavailable. */
export interface Accounts {
  save(account: Account): Promise<void>;
  /** Undefined for somebody who never signed in, or too long ago: what was true then may be true no more. */
  find(subject: string): Promise<Account | undefined>;
}

/** Keeps accounts in the authorization table for `ageMaxMs` after a sign-in; refresh tokens end with them. */
export function createAccounts(items: ItemStore, now: () => number, ageMaxMs: number): Accounts {
  const keyOf = (subject: string) => `Account:${subject}`;
  return {
    async save({ subject, displayName, tenant, roles, email }) {
      await items.put({
        pk: keyOf(subject),
        body: JSON.stringify({
          ...{ subject, displayName, tenant, roles },
          ...(email !== undefined && { email }),
        } satisfies Account),
        expires_at: Math.floor((now() + ageMaxMs) / 1000),
      });
    },
    async find(subject) {
      const item = await items.get(keyOf(subject));
      return item && (JSON.parse(item.body) as Account);
    },
  };
}
