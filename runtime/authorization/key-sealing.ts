import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Seals secrets before they are stored. A deployment may put a key service behind this. */
export interface KeySealing {
  sealKey(plain: string): Promise<string>;
  /** Throws when `sealed` was not sealed by this. */
  openKey(sealed: string): Promise<string>;
}

/** No sealing: keys lie readable in the table. For a laptop, where table and reader are the same person's. */
export const unsealed: KeySealing = {
  sealKey: async (plain) => `plain:${plain}`,
  async openKey(sealed) {
    if (!sealed.startsWith('plain:')) throw new Error('The stored keys are sealed, and no sealing key was given.');
    return sealed.slice('plain:'.length);
  },
};

/** Seals with AES-256-GCM. `key` is base64 of 32 bytes; throws when it is not. */
export function aesSealing(key: string): KeySealing {
  const secret = Buffer.from(key, 'base64');
  if (secret.length !== 32) throw new Error('AUTHORIZATION_SEALING_KEY must be base64 of 32 bytes.');
  return {
    async sealKey(plain) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', secret, nonce);
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return `aes:${Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64')}`;
    },
    async openKey(sealed) {
      if (!sealed.startsWith('aes:'))
        throw new Error('The stored keys were not sealed with AUTHORIZATION_SEALING_KEY.');
      const bytes = Buffer.from(sealed.slice('aes:'.length), 'base64');
      const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, 12), { authTagLength: 16 });
      decipher.setAuthTag(bytes.subarray(12, 28));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new Error(
          'The stored keys cannot be opened: AUTHORIZATION_SEALING_KEY is not the one that sealed them.',
          { cause },
        );
      }
    },
  };
}
