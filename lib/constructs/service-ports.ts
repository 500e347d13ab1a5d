/** Port of every service's container. */
export const servicePort = 8080;
/** Port of the gateway's container for clients with a certificate: the only one whose `X-Amzn-Mtls-*` headers are believed. */
export const mutualTlsPort = 8081;
/** Listener of the internal load balancer that serves key sets only. */
export const keysPort = 8081;
/** Hosts of the platform's own services in the tool domain. */
export const reservedHosts = { gateway: 'gateway', authorization: 'id' } as const;
export const authorizationKeysPath = '/jwks';
