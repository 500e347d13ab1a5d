import { namespacedSubject } from '../shared/namespaced-subject.ts';
import type { Account } from './sample-users.ts';

/** Where an account is read from in the claims of an ID token. */
export interface ClaimRules {
  readonly tenantClaim: string;
  readonly rolesClaim: string;
  /** A role that is not among these is dropped. */
  readonly knownRoles: readonly string[];
}

/** A person whom the upstream issuer knows and who has no place here. The message is a sentence for that person. */
export class NoAccount extends Error {}

/** As the gateway takes it: a tenant becomes a folder of the record and a key of policy. */
const tenantPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
// OpenID Connect Core § 2: at most 255 ASCII characters.
const subjectPattern = /^[\x20-\x7e]{1,255}$/;
const nameCharactersMax = 100;

/** The account of a verified ID token. Throws {@link NoAccount} when it says no subject, or no tenant that can be one. */
export function accountOf(claims: Readonly<Record<string, unknown>>, rules: ClaimRules): Account {
  const { iss, sub } = claims;
  if (typeof iss !== 'string' || typeof sub !== 'string' || !subjectPattern.test(sub)) {
    throw new NoAccount('Your organisation says no name for you that can be used here. Tell the people who run it.');
  }
  const tenant = claims[rules.tenantClaim];
  if (tenant === undefined || tenant === '') {
    throw new NoAccount(
      `Your account belongs to no tenant: your organisation sends no “${rules.tenantClaim}” for you. Ask the people who run it to set one.`,
    );
  }
  if (typeof tenant !== 'string' || !tenantPattern.test(tenant)) {
    throw new NoAccount(
      `The “${rules.tenantClaim}” of your account is no name of a tenant: lower case letters, digits and dashes. Ask the people who run it to mend it.`,
    );
  }
  return {
    subject: namespacedSubject(iss, sub),
    displayName: displayNameOf(claims) ?? sub,
    tenant,
    roles: rolesOf(claims[rules.rolesClaim], rules.knownRoles),
    ...confirmedEmail(claims),
  };
}

/** Groups of a directory are many; those that name a role here are roles. */
function rolesOf(claim: unknown, known: readonly string[]): readonly string[] {
  const said: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return known.filter((role) => said.includes(role));
}

/** OpenID Connect Core § 5.1: an address that nobody confirmed may be anybody's. */
function confirmedEmail({ email, email_verified }: Readonly<Record<string, unknown>>): Pick<Account, 'email'> {
  if (email_verified !== true || typeof email !== 'string' || !/^[^\s@]+@[^\s@]{1,253}$/.test(email)) return {};
  return email.length > 320 ? {} : { email };
}

function displayNameOf(claims: Readonly<Record<string, unknown>>): string | undefined {
  const names = ['name', 'preferred_username', 'email', 'cognito:username'].map((name) => claims[name]);
  const found = names.find((name): name is string => typeof name === 'string' && name.trim() !== '');
  return found?.slice(0, nameCharactersMax);
}
