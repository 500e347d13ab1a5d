import { hash, randomBytes } from 'node:crypto';
import type { SignInSecrets } from '../shared/upstream-issuer.ts';
import type { ItemStore } from './clients/item-store.ts';

/** A sign-in that went to the upstream issuer and has not come back. */
export interface SignInUnderWay extends SignInSecrets {
  /** The question of this server that it answers. */
  readonly uid: string;
}

export type Taken =
  | { readonly signIn: SignInUnderWay }
  /** Never begun here, or too long ago; come back before; begun in another browser. */
  | { readonly why: 'unknown' | 'used' | 'elsewhere' };

/** Sign-ins by their `state`, each good for one callback in the browser that began it. Both methods throw StoreUnavailable. */
export interface SignInsUnderWay {
  begin(uid: string, browser: string): Promise<SignInUnderWay>;
  take(state: string, browser: string | undefined): Promise<Taken>;
}

const keepSeconds = 15 * 60;

export function createSignInsUnderWay(items: ItemStore, now: () => number): SignInsUnderWay {
  // Whoever reads the table learns neither.
  const keyOf = (state: string) => `SignIn:${hash('sha256', state, 'hex')}`;
  const nowSeconds = () => Math.floor(now() / 1000);
  return {
    async begin(uid, browser) {
      const [state, nonce, codeVerifier] = [random(), random(), random()];
      const body = JSON.stringify({ uid, nonce, codeVerifier, browser: hash('sha256', browser, 'hex') });
      await items.put({ pk: keyOf(state), body, expires_at: nowSeconds() + keepSeconds });
      return { uid, state, nonce, codeVerifier };
    },
    async take(state, browser) {
      const item = await items.get(keyOf(state));
      if (item === undefined) return { why: 'unknown' };
      const { uid, nonce, codeVerifier, browser: expected } = JSON.parse(item.body) as Record<string, string>;
      // Looked at first: a stranger who learned the URL must not use the sign-in up.
      if (browser === undefined || hash('sha256', browser, 'hex') !== expected) return { why: 'elsewhere' };
      if (!(await items.consume(keyOf(state), nowSeconds()))) return { why: 'used' };
      return { signIn: { uid: uid as string, state, nonce: nonce as string, codeVerifier: codeVerifier as string } };
    },
  };
}

/** 256 bits, 43 characters: also a verifier of RFC 7636 § 4.1. */
function random(): string {
  return randomBytes(32).toString('base64url');
}
