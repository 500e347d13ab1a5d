import type { Html } from '../../shared/pages/html.ts';
import { html } from '../../shared/pages/html.ts';
import { formToken, type SignedIn } from '../page-sign-in.ts';

/** Who is signed in, and how to be somebody else. */
export function accountLine(person: SignedIn, returnTo: string): Html {
  const { displayName, roles, tenant } = person;
  return html`<div class="account"><p class="soft">You are ${displayName}, ${roles.join(', ') || 'without a role'} in tenant ${tenant}.</p>
<p><a href="/approvals/sign-in?to=${encodeURIComponent(returnTo)}">Use another account</a></p>
<form class="switch" method="post" action="/approvals/sign-out"><input type="hidden" name="form" value="${formToken(person, '/approvals/sign-out')}"><button>Sign out</button></form></div>`;
}
