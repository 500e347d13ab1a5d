import { interactionPolicy } from 'oidc-provider';

/** The library's questions, and sign-in for a session whose person is not known any more: the sign-in is too old. */
export function questions() {
  const { base, Check } = interactionPolicy;
  const policy = base();
  policy
    .get('login')
    ?.checks.add(
      new Check('account_unknown', 'the person must sign in again', 'login_required', ({ oidc }) =>
        oidc.session?.accountId !== undefined && oidc.account === undefined
          ? Check.REQUEST_PROMPT
          : Check.NO_NEED_TO_PROMPT,
      ),
    );
  return policy;
}
