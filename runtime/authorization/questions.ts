import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';

/**
 * The library's questions; sign-in for a session whose person is not known any more, because the sign-in is too old; and last, so that it goes on by
 * itself, whether another person has approved a call already.
 */
export function questions(isWaiting: (ctx: KoaContextWithOIDC) => Promise<boolean>) {
  const { base, Check, Prompt } = interactionPolicy;
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
  policy.add(
    new Prompt(
      { name: 'approval', requestable: false },
      new Check(
        'approval_awaited',
        'another person has to approve the call first',
        'interaction_required',
        async (ctx) => ((await isWaiting(ctx)) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT),
      ),
    ),
  );
  return policy;
}
