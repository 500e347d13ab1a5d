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

/** A client certificate whose key the client has, as a load balancer found out. Proves nothing about roles: a token comes with it. */
export interface ClientCertificate {
  /** `x5t#S256` of RFC 8705 § 3.1: SHA-256 of the DER, base64url. */
  readonly thumbprint: string;
  readonly subject: string;
  /** The one URI of an X.509-SVID; undefined for other certificates. */
  readonly spiffeId: string | undefined;
}

export type CallerKind = 'human' | 'agent' | 'tenant-key';
