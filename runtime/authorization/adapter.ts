import { hash } from 'node:crypto';
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { clientKindOf } from './client-kinds.ts';
import type { Item, ItemStore } from './clients/item-store.ts';

// What these ids open is opened by whoever knows them, so the table holds their hash only. A session id opens nothing by itself: its cookie is
// signed with a sealed key.
const bearerModels = new Set(['AuthorizationCode', 'RefreshToken', 'AccessToken', 'ClientCredentials']);
/** A client that registered itself and is not heard of again should not stay for ever. */
const registeredClientSeconds = 90 * 24 * 3600;
const secretPrefix = 'sha256:';

/** Keeps one model of oidc-provider in the authorization table. */
export function createAdapter(model: string, items: ItemStore, now: () => number): Adapter {
  const nowSeconds = () => Math.floor(now() / 1000);
  const keyOf = (id: string) => `${model}:${bearerModels.has(model) ? hash('sha256', id, 'hex') : id}`;
  const uidKey = (uid: string) => `SessionUid:${uid}`;

  const readPayload = (id: string, item: Item): AdapterPayload => ({
    ...(JSON.parse(item.body) as AdapterPayload),
    ...(model === 'Client' ? {} : { jti: id }),
    ...(item.used_at === undefined ? {} : { consumed: item.used_at }),
  });

  async function find(id: string): Promise<AdapterPayload | undefined> {
    const item = await items.get(keyOf(id));
    return item && readPayload(id, item);
  }

  return {
    find,
    async upsert(id, payload, expiresIn) {
      const { jti: _jti, consumed: _consumed, ...kept } = payload;
      const ttl = model === 'Client' && clientKindOf(id) === 'registered' ? registeredClientSeconds : expiresIn;
      const item: Item = {
        pk: keyOf(id),
        body: JSON.stringify(model === 'Client' ? withHashedSecret(kept) : kept),
        ...(typeof payload.grantId === 'string' && model !== 'Session' ? { grant_id: payload.grantId } : {}),
        ...(ttl ? { expires_at: nowSeconds() + ttl } : {}),
      };
      if (model === 'ReplayDetection') {
        // The library reads first and writes then; two replicas could both find nothing.
        if (!(await items.putNew(item)))
          throw new errors.InvalidClientAuth('client assertion tokens must only be used once');
        return;
      }
      await items.put(item);
      // Sessions are looked up by uid right after they are written, which an index cannot promise to see.
      if (model === 'Session' && typeof payload.uid === 'string') {
        await items.put({ pk: uidKey(payload.uid), body: id, ...(ttl ? { expires_at: nowSeconds() + ttl } : {}) });
      }
    },
    async findByUid(uid) {
      const pointer = await items.get(uidKey(uid));
      return pointer && find(pointer.body);
    },
    async findByUserCode() {
      return undefined;
    },
    async consume(id) {
      if (await items.consume(keyOf(id), nowSeconds())) return;
      // Somebody used it between the library's look and this write: the same as a replay (RFC 9700 § 4.14.2).
      const item = await items.get(keyOf(id));
      if (item?.grant_id !== undefined) {
        await items.delete(`Grant:${item.grant_id}`);
        await revokeGrant(items, item.grant_id, '');
      }
      throw new errors.InvalidGrant('it was already used');
    },
    async destroy(id) {
      if (model === 'Session') {
        const uid = (await find(id))?.uid;
        if (typeof uid === 'string') await items.deleteIf(uidKey(uid), id);
      }
      await items.delete(keyOf(id));
    },
    revokeByGrantId: (grantId) => revokeGrant(items, grantId, `${model}:`),
  };
}

async function revokeGrant(items: ItemStore, grantId: string, prefix: string): Promise<void> {
  const keys = await items.keysOfGrant(grantId);
  await Promise.all(keys.filter((pk) => pk.startsWith(prefix)).map((pk) => items.delete(pk)));
}

function withHashedSecret(payload: AdapterPayload): AdapterPayload {
  const { client_secret: secret } = payload;
  if (typeof secret !== 'string' || secret.startsWith(secretPrefix)) return payload;
  return { ...payload, client_secret: hashSecret(secret) };
}

/** Secrets are random and long (at least 256 bits), so a plain hash is enough to keep them from a reader of the table. */
export function hashSecret(secret: string): string {
  return secretPrefix + hash('sha256', secret, 'hex');
}
