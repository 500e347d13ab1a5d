/** A signed token whose signature, issuer, audience and times were checked. */
export interface VerifiedToken {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly clientId: string;
  readonly tokenId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** All claims, for what only one reader needs (`tenant`, `roles`, `kind`, `act`). */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Verifies bearer tokens for one audience at a time. */
export interface TokenVerifier {
  /**
   * Throws Refusal `token_invalid`, `token_expired`, `audience_mismatch`, or `identity_unavailable` when the issuer's keys
   * cannot be had and no cached key fits.
   */
  verify(token: string, audience: string): Promise<VerifiedToken>;
}
