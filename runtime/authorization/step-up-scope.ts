import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Asker, approvalScope, approvalScopeWords, type StepUp } from '../contract/step-up.ts';
import { type ClientKind, clientKindOf } from './client-kinds.ts';
import type { Resource } from './resources.ts';
import type { Account } from './sample-users.ts';

/** How it stands with the calls that a person's client waits to have approved. */
export type StepUpStanding =
  /** There is a yes that nobody used yet; the last of them ends then, milliseconds since the epoch. */
  | { readonly kind: 'open'; readonly endsAtMs: number }
  | { readonly kind: 'waiting'; readonly questions: readonly StepUp[] }
  /** Nobody waits for anything; `newest` is the last that was asked, if anything was. */
  | { readonly kind: 'over'; readonly newest: StepUp | undefined };

/** Decides who gets the scope of a yes, from the questions of the gateway. Throws `StoreUnavailable` when they cannot be read. */
export interface StepUpScope {
  standing(
    asker: { readonly subject: string; readonly clientId: string },
    resource: Pick<Resource, 'server'>,
  ): Promise<StepUpStanding>;
}

export interface StepUpScopeParts {
  readonly find: (asker: Asker) => Promise<readonly StepUp[]>;
  readonly findAccount: (subject: string) => Promise<Account | undefined>;
}

export function createStepUpScope({ find, findAccount }: StepUpScopeParts): StepUpScope {
  return {
    async standing({ subject, clientId }, { server }) {
      const account = await findAccount(subject);
      if (account === undefined) return { kind: 'over', newest: undefined };
      const all = await find({ tenant: account.tenant, subject, clientId });
      return standingOf(all.filter((each) => server === undefined || each.server === server));
    },
  };
}

function standingOf(all: readonly StepUp[]): StepUpStanding {
  const ends = all.flatMap(({ state, openUntilMs }) =>
    state === 'approved' && openUntilMs !== undefined ? [openUntilMs] : [],
  );
  if (ends.length > 0) return { kind: 'open', endsAtMs: Math.max(...ends) };
  const questions = all.filter(({ state }) => state === 'open');
  return questions.length > 0 ? { kind: 'waiting', questions } : { kind: 'over', newest: all[0] };
}

// Agents get the scopes that they are declared with, and our own page gets none.
const kindsOfPeople: ReadonlySet<ClientKind> = new Set(['registered', 'document', 'command-line']);

/**
 * The resource with the scope of a yes among its scopes, for a client that people sign in to. It is in no metadata: clients that ask for all
 * there is would wait for a yes to nothing.
 */
export function withApprovalScope(resource: Resource, clientId: string): Resource {
  if (!kindsOfPeople.has(clientKindOf(clientId))) return resource;
  return { ...resource, scopes: new Map([...resource.scopes, [approvalScope, approvalScopeWords]]) };
}

/** True when these scopes, separated by spaces, have the one of a yes. */
export function asksForApproval(scope: unknown): boolean {
  return typeof scope === 'string' && scope.split(' ').includes(approvalScope);
}

/** Who gets a token in this request for one: undefined when it is not asked to have the scope of a yes. */
export function askerOf({ oidc }: KoaContextWithOIDC): { subject: string; clientId: string } | undefined {
  const source = oidc.entities.RefreshToken ?? oidc.entities.AuthorizationCode;
  if (source?.accountId === undefined || source.clientId === undefined) return undefined;
  // RFC 6749 § 6: a refresh may ask for less.
  return asksForApproval(source.scope) && asksForApproval(oidc.params?.scope ?? source.scope)
    ? { subject: source.accountId, clientId: source.clientId }
    : undefined;
}
