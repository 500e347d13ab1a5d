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
  /** Proxies in front that each add one address to X-Forwarded-For. @default 0 */
  readonly proxyHops?: number;
  /** How long a sender may take. @default {@link defaultSenderTimeouts} */
  readonly senderTimeouts?: SenderTimeouts;
}

export interface SenderTimeouts {
  /** To the end of the headers. */
  readonly headersMs: number;
  /** To the end of the whole message. */
  readonly messageMs: number;
  /** Between two looks at who is late. */
  readonly checkMs: number;
}

export const defaultSenderTimeouts: SenderTimeouts = { headersMs: 10_000, messageMs: 30_000, checkMs: 2000 };
