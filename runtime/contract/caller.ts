/** Who is calling, verified. Everything here comes from a signed token, nothing from the message. */
export interface Caller {
  readonly subject: string;
  readonly tenant: string;
  readonly kind: CallerKind;
  /** Roles in the tenant, e.g. `reader`, `operator`, `approver`, `platform-admin`. */
  readonly roles: readonly string[];
  /** OAuth scopes of the token, whole strings; never matched by prefix. */
  readonly scopes: readonly string[];
  readonly clientId: string;
  readonly issuer: string;
  /** `jti` of the token, for the record. */
  readonly tokenId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

export type CallerKind = 'human' | 'agent' | 'tenant-key';
