import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client, Provider } from 'oidc-provider';
import type { StepUp } from '../contract/step-up.ts';
import { sendPage } from '../shared/pages/send-page.ts';
import type { InteractionParts } from './interactions.ts';
import { waitingPage } from './pages/waiting-page.ts';

type Question = Awaited<ReturnType<Provider['interactionDetails']>>;

/** What {@link waitForYes} needs. */
export type WaitParts = Pick<InteractionParts, 'resources' | 'stepUp' | 'approvalsUrl' | 'now'>;

/** How often the page looks again by itself, seconds. */
const lookEverySeconds = 3;
/** Before the question of this server is forgotten, seconds: then the browser would end on a page that leads nowhere. */
const endsBeforeSeconds = 15;

/**
 * Serves the page on which a person waits until another one approved a call, and goes on when somebody did. A no, or no answer in time, goes back
 * to the client as `access_denied`: the reason stays with who may read it. Nothing is decided here: what the token may have is looked up
 * anew when it is issued.
 */
export async function waitForYes(
  request: IncomingMessage,
  response: ServerResponse,
  provider: Provider,
  { question, client, clientName }: { question: Question; client: Client; clientName: string },
  parts: WaitParts,
): Promise<void> {
  const finish = (result: Parameters<Provider['interactionFinished']>[2]) =>
    provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  const refuse = (why: string) => finish({ error: 'access_denied', error_description: why });
  const resource = parts.resources.find(String(question.params.resource));
  const subject = question.session?.accountId;
  if (resource === undefined || subject === undefined) return refuse('there is nobody to ask for');
  const standing = await parts.stepUp.standing({ subject, clientId: client.clientId }, resource);
  if (standing.kind === 'open') return finish({ approval: {} });
  if (standing.kind === 'over') {
    const why = standing.newest && endings[standing.newest.state];
    return why === undefined ? finish({ approval: {} }) : refuse(why);
  }
  if (question.exp - parts.now() / 1000 < endsBeforeSeconds) {
    return refuse('nobody has decided yet: the question stays open, so send the call again later');
  }
  response.setHeader('refresh', String(lookEverySeconds));
  const { approvalsUrl } = parts;
  const action = `/interaction/${question.uid}`;
  const page = waitingPage({ clientName, questions: standing.questions, approvalsUrl, action });
  sendPage(response, 200, page, String(question.params.redirect_uri));
}

// RFC 6749 § 4.1.2.1: the person, or the server, denied the request. A yes that was used meanwhile is no no.
const endings: Readonly<Partial<Record<StepUp['state'], string>>> = {
  denied: 'a person refused the call',
  expired: 'nobody decided in time',
  withdrawn: 'the question was taken back',
};
