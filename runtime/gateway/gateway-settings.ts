/** What the gateway's edge needs to know of its place. */
export interface GatewaySettings {
  /** The URL that clients use; resources are built on it. No trailing slash. */
  readonly publicUrl: string;
  /** Authorization servers whose tokens are accepted (RFC 9728 `authorization_servers`). */
  readonly issuers: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly bodyBytesMax: number;
  /** `names`: whoever asks learns names, titles and scopes of servers; `off`: nothing without a token. */
  readonly anonymousDiscovery: 'names' | 'off';
  /** How long calls under way may take to end after SIGTERM. */
  readonly drainTimeoutMs: number;
}
