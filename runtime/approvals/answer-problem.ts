import type { ServerResponse } from 'node:http';
import type { Logger } from '../shared/logger.ts';
import { sendPage } from '../shared/pages/send-page.ts';
import { Refusal } from '../shared/refusal.ts';
import { UpstreamProblem, type UpstreamProblemKind } from '../shared/upstream-problem.ts';
import { plainPage } from './pages/plain-page.ts';

/** Where people go on from a page that leads nowhere. */
export const overview = { href: '/approvals', words: 'All approvals' };

const upstreamAnswers: Readonly<Record<UpstreamProblemKind, readonly [status: number, sentence: string]>> = {
  denied: [403, 'You were not signed in: you, or the sign-in page, said no.'],
  silent: [503, 'The sign-in page gives no answer right now. Try again in a minute.'],
  slow: [503, 'The sign-in page takes too long right now. Try again in a minute.'],
  unusable: [
    502,
    'The sign-in page gave an answer that cannot be believed. Sign in again, or tell the people who run Toolgate.',
  ],
};

/** Answers with a page for whatever kept another one from being served, and logs why. */
export function answerProblem(response: ServerResponse, error: unknown, logger: Logger): void {
  if (response.headersSent) {
    logger.error({ err: error }, 'page not served');
    response.destroy();
  } else if (error instanceof UpstreamProblem) {
    logger.warn({ kind: error.kind, why: error.message }, 'nobody was signed in');
    const [status, sentence] = upstreamAnswers[error.kind];
    const again = { href: '/approvals', words: 'Sign in' };
    sendPage(response, status, plainPage('You are not signed in', sentence, again));
  } else if (error instanceof Refusal) {
    logger.warn({ err: error, code: error.code }, 'page not served');
    response.setHeader('retry-after', '5');
    // Of an answer it may not be known whether it was stored.
    const sentence = `${error.message} Look again in a minute: whatever was stored already stands.`;
    sendPage(response, 503, plainPage('Not right now', sentence, overview));
  } else {
    logger.error({ err: error }, 'page not served');
    sendPage(response, 500, plainPage('This cannot go on', 'Something is broken on our side.', overview));
  }
}
