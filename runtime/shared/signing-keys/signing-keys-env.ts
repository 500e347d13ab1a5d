import { integer, text } from '../read-env.ts';

/** Variables of the keys that sign upstream tokens, for the gateway and for the registry, whose root keys differ. */
export const signingKeysEnv = {
  UPSTREAM_KMS_KEY_ID: text(
    'KMS key of this service alone that endorses the keys which sign its upstream tokens: id, ARN or alias of an ECC_NIST_P256 key for SIGN_VERIFY. Unset: nobody endorses them, for a laptop',
    '',
  ),
  UPSTREAM_KEY_LEAD_MS: integer(
    'how long a new key is published before it signs, milliseconds: longer than tool servers wait between two looks at the key set',
    { min: 0, max: 600_000 },
    35_000,
  ),
} as const;
