import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { JsonObject } from '../contract/json.ts';

/** What a browser keeps for us and can neither read nor change. */
export interface SealedCookies {
  /** The `Set-Cookie` line. `purpose` names the cookie: what was sealed for one purpose opens for no other. */
  set(purpose: string, value: JsonObject, lifetimeMs: number): string;
  /** What a `Cookie` header holds; undefined when there is none, it is too old, or it was not sealed by this key. */
  read(purpose: string, header: string | undefined): JsonObject | undefined;
  /** The `Set-Cookie` line that takes it away. */
  clear(purpose: string): string;
}

export interface SealedCookiesOptions {
  /** Base64 of 32 bytes. */
  readonly key: string;
  /** Cookies are for https alone, and for this host alone. */
  readonly isSecure: boolean;
  readonly now: () => number;
}

const [nonceBytes, tagBytes] = [12, 16];

/** Seals with AES-256-GCM, so that every replica opens what another one sealed. Throws with a sentence for a key that is none. */
export function createSealedCookies({ key, isSecure, now }: SealedCookiesOptions): SealedCookies {
  const secret = Buffer.from(key, 'base64');
  if (secret.length !== 32) throw new Error('APPROVALS_COOKIE_KEY must be base64 of 32 bytes.');
  // RFC 6265bis § 4.1.3.2: no other host can set a cookie of this prefix. It needs the path of all, which http does not.
  const nameOf = (purpose: string) => `${isSecure ? '__Host-' : ''}toolgate-approvals-${purpose}`;
  const attributes = isSecure ? 'Path=/; Secure; HttpOnly; SameSite=Lax' : 'Path=/approvals; HttpOnly; SameSite=Lax';

  return {
    set(purpose, value, lifetimeMs) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.from(purpose));
      const plain = JSON.stringify({ value, endsAtMs: now() + lifetimeMs });
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      const sealed = Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
      return `${nameOf(purpose)}=${sealed}; Max-Age=${Math.ceil(lifetimeMs / 1000)}; ${attributes}`;
    },
    read(purpose, header) {
      const prefix = `${nameOf(purpose)}=`;
      const pair = header?.split(/; */).find((each) => each.startsWith(prefix));
      if (pair === undefined) return undefined;
      try {
        const bytes = Buffer.from(pair.slice(prefix.length), 'base64url');
        const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, nonceBytes), {
          authTagLength: tagBytes,
        });
        decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
        const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
        const { value, endsAtMs } = JSON.parse(text.toString('utf8')) as { value: JsonObject; endsAtMs: number };
        return now() < endsAtMs ? value : undefined;
      } catch {
        // Whatever does not open is no cookie of ours: an old key, another service, a stranger.
        return undefined;
      }
    },
    clear: (purpose) => `${nameOf(purpose)}=; Max-Age=0; ${attributes}`,
  };
}
