import { timingSafeEqual } from 'node:crypto';
import type { ClientCertificate } from '../../contract/caller.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { VerifiedToken } from '../../shared/token-verifier.ts';

/**
 * A token that its issuer bound to a key is good only with that key: RFC 8705 § 3 for certificates. What this gateway cannot check, such as
 * a DPoP key (RFC 9449 § 7.2), is not a bearer token for anybody. A workload whose token names a SPIFFE id comes with the certificate
 * of that id, if it comes with one. Throws Refusal `token_invalid`.
 */
export function checkBinding(
  { claims, subject }: Pick<VerifiedToken, 'claims' | 'subject'>,
  certificate: ClientCertificate | undefined,
): void {
  const { cnf } = claims;
  if (cnf !== undefined) checkConfirmation(cnf, certificate);
  const spiffeId = certificate?.spiffeId;
  if (spiffeId !== undefined && subject.startsWith('spiffe://') && subject !== spiffeId) {
    throw new Refusal('token_invalid', { reason: 'The token is of another workload than the client certificate.' });
  }
}

function checkConfirmation(cnf: unknown, certificate: ClientCertificate | undefined): void {
  const { 'x5t#S256': thumbprint, ...others } = Object(cnf) as Readonly<Record<string, unknown>>;
  if (typeof thumbprint !== 'string' || Object.keys(others).length > 0) {
    throw new Refusal('token_invalid', { reason: 'The token is bound to a key in a way that cannot be checked here.' });
  }
  if (certificate === undefined) {
    throw new Refusal('token_invalid', { reason: 'The token is bound to a client certificate: use the mTLS port.' });
  }
  if (!isEqual(thumbprint, certificate.thumbprint)) {
    throw new Refusal('token_invalid', { reason: 'The token is bound to another client certificate.' });
  }
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
