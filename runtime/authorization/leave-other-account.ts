import type { Provider } from 'oidc-provider';

type Question = Awaited<ReturnType<Provider['interactionDetails']>>;

/**
 * Ends the session of whoever was signed in before, when `subject` answers the question. The library would ask them to sign out first, on a
 * page that needs a script. The question is changed and not yet persisted.
 */
export async function leaveOtherAccount(question: Question, subject: string, provider: Provider): Promise<void> {
  const { session } = question;
  if (session?.uid === undefined || session.accountId === subject) return;
  await (await provider.Session.findByUid(session.uid))?.destroy();
  delete question.session;
}
