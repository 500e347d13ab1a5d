import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '../contract/json.ts';
import type { UpstreamIssuer } from '../shared/upstream-issuer.ts';
import type { Approver } from './decide-request.ts';
import type { SealedCookies } from './sealed-cookies.ts';

/** Somebody who is signed in to the pages, as our authorization server said a short while ago. */
export interface SignedIn extends Approver {
  readonly displayName: string;
  /** Known to this browser and to us: what a form must bring back (cross-site request forgery). */
  readonly formSecret: string;
}

/** Signs people in to the pages, and knows who they are afterwards. Nothing of it is kept here: any replica goes on. */
export interface PageSignIn {
  /** Undefined when nobody is signed in, or not any more. */
  who(request: IncomingMessage): SignedIn | undefined;
  /** Sends the browser to the authorization server; `mustAsk` lets nobody in as whoever is signed in there. Throws UpstreamProblem. */
  begin(response: ServerResponse, returnTo: string, mustAsk: boolean): Promise<void>;
  /** The browser is back: where it goes on, or undefined when this browser began no such sign-in. Throws UpstreamProblem. */
  finish(request: IncomingMessage, response: ServerResponse, callback: URL): Promise<string | undefined>;
  end(response: ServerResponse): void;
}

export interface PageSignInParts {
  readonly issuer: UpstreamIssuer;
  readonly cookies: SealedCookies;
  /** Told of everybody whose address the organisation has confirmed. Rejects when it cannot be noted; nobody is signed in then. */
  readonly onAddress?: (email: string, person: Approver) => Promise<void>;
}

const underWayMs = 15 * 60_000;
/** Tenant and roles may be taken away meanwhile, so what was said about a person counts no longer. */
export const signedInMs = 30 * 60_000;

export function createPageSignIn({ issuer, cookies, onAddress }: PageSignInParts): PageSignIn {
  return {
    who(request) {
      const kept = cookies.read('person', request.headers.cookie);
      return kept && ({ ...kept, kind: 'human' } as unknown as SignedIn);
    },
    async begin(response, returnTo, mustAsk) {
      const secrets = { state: random(), nonce: random(), codeVerifier: random() };
      const url = await issuer.authorizationUrl(secrets, mustAsk);
      response.appendHeader('set-cookie', cookies.set('sign-in', { ...secrets, returnTo }, underWayMs));
      seeOther(response, url.href);
    },
    async finish(request, response, callback) {
      const begun = cookies.read('sign-in', request.headers.cookie);
      if (begun === undefined || begun.state !== callback.searchParams.get('state')) return undefined;
      const { state, nonce, codeVerifier, returnTo } = begun as Record<string, string>;
      response.appendHeader('set-cookie', cookies.clear('sign-in'));
      const claims = await issuer.redeem(callback, {
        state: state as string,
        nonce: nonce as string,
        codeVerifier: codeVerifier as string,
      });
      const person = personOf(claims);
      const { email, email_verified } = claims;
      if (typeof email === 'string' && email_verified === true) {
        await onAddress?.(email, person as unknown as SignedIn);
      }
      response.appendHeader('set-cookie', cookies.set('person', person, signedInMs));
      return returnTo;
    },
    end(response) {
      response.appendHeader('set-cookie', cookies.clear('person'));
    },
  };
}

/** What a form for one address must bring back. */
export function formToken({ formSecret }: SignedIn, path: string): string {
  return createHmac('sha256', formSecret).update(path).digest('base64url');
}

export function isFormToken(given: string | null, person: SignedIn, path: string): boolean {
  const [one, other] = [Buffer.from(given ?? ''), Buffer.from(formToken(person, path))];
  return one.length === other.length && timingSafeEqual(one, other);
}

export function seeOther(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, 'cache-control': 'no-store', 'content-length': '0' }).end();
}

/** Signature, issuer, audience, times and nonce were checked. A token of our own server always has all of these. */
function personOf({ sub, tenant, roles, name }: Readonly<Record<string, unknown>>): JsonObject {
  const isPerson = typeof sub === 'string' && typeof tenant === 'string' && Array.isArray(roles);
  if (!isPerson || !roles.every((role) => typeof role === 'string')) {
    throw new Error(
      'the ID token says no subject, tenant and roles: the issuer is not an authorization server of Toolgate',
    );
  }
  return { subject: sub, tenant, roles, displayName: typeof name === 'string' ? name : sub, formSecret: random() };
}

/** 256 bits, 43 characters: also a verifier of RFC 7636 § 4.1. */
function random(): string {
  return randomBytes(32).toString('base64url');
}
