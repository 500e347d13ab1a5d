import type { TenantSettings } from '../contract/decision.ts';

/**
 * The person behind an account: the first account of the tenant's first `same_person` list that holds it, else the account itself. Whoever asks
 * and whoever answers are named so to the workflow of a request, which compares them by itself.
 */
export function personOf(subject: string, settings: Pick<TenantSettings, 'same_person'> | undefined): string {
  const accounts = settings?.same_person?.find((list) => list.includes(subject));
  return accounts?.[0] ?? subject;
}
