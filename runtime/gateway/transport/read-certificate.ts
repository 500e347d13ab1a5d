import { hash, X509Certificate } from 'node:crypto';
import type { ClientCertificate } from '../../contract/caller.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { RequestHeaders } from './read-headers.ts';

const leafHeader = 'x-amzn-mtls-clientcert-leaf';
/** What a load balancer sends that looked at no certificate: anybody may have written it. */
const passedThroughHeader = 'x-amzn-mtls-clientcert';

/** The certificate as a part of a message, where the port is one for certificates; nothing elsewhere, whatever the headers say. */
export function certificatePart(
  headers: RequestHeaders,
  { isMutualTls, deps }: { readonly isMutualTls: boolean; readonly deps: { readonly now: () => number } },
): { readonly certificate?: ClientCertificate } {
  return isMutualTls ? { certificate: readCertificate(headers, deps.now()) } : {};
}

/**
 * The client certificate that the load balancer verified, from the header that it writes over whatever a client sent. Only for requests
 * of the port that the load balancer's verifying listener leads to. Throws Refusal `credentials_missing` or `token_invalid`.
 */
function readCertificate({ values, repeated }: RequestHeaders, nowMs: number): ClientCertificate {
  const text = values[leafHeader];
  if (text === undefined || values[passedThroughHeader] !== undefined) {
    throw new Refusal('credentials_missing', { reason: 'No verified client certificate came with the request.' });
  }
  if (repeated.has(leafHeader)) throw new Refusal('credentials_ambiguous');
  const certificate = parse(text);
  if (certificate.validToDate.getTime() <= nowMs) {
    throw new Refusal('token_invalid', { reason: 'The client certificate has expired.' });
  }
  return {
    thumbprint: hash('sha256', certificate.raw, 'base64url'),
    subject: certificate.subject,
    spiffeId: spiffeIdOf(certificate),
  };
}

/** URL-encoded PEM in which `+`, `=` and `/` stand for themselves. ALB user guide, "HTTP headers and mutual TLS". */
function parse(text: string): X509Certificate {
  try {
    const pem = decodeURIComponent(text);
    if (pem.split('-----BEGIN').length !== 2) throw new Error('it is not one certificate');
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Refusal('token_invalid', { reason: 'The client certificate cannot be read.' }, { cause });
  }
}

/** An X.509-SVID has exactly one URI (SPIFFE X509-SVID § 2); Node puts names with separators of its own in quotes, which no SPIFFE id needs. */
function spiffeIdOf({ subjectAltName }: X509Certificate): string | undefined {
  const uris = (subjectAltName ?? '').split(', ').filter((name) => name.startsWith('URI:'));
  const [only, ...more] = uris.map((name) => name.slice(4));
  return only !== undefined && more.length === 0 && /^spiffe:\/\/[a-z0-9._-]+(\/[\w.-]+)*$/.test(only)
    ? only
    : undefined;
}
