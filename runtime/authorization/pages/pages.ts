import type { ScopeWords } from '../../contract/registry.ts';
import { html } from '../../shared/pages/html.ts';
import { page } from '../../shared/pages/page.ts';
import type { Account, SampleUser } from '../sample-users.ts';

/** A client as a person should see it: the name is its own claim, the host is checked. */
export interface ShownClient {
  readonly name: string;
  /** Host that proves who it is, for a client whose id is its metadata document; undefined for everybody else. */
  readonly verifiedHost: string | undefined;
  /** Where the code goes. */
  readonly redirectHost: string;
  readonly isLoopback: boolean;
  /** True for our own command line. */
  readonly isOurs: boolean;
}

/** The chooser of sample users. */
export function chooserPage(client: ShownClient, users: readonly SampleUser[], action: string): string {
  const tenants = [...new Set(users.map(({ tenant }) => tenant))];
  return page(
    'Sign in',
    html`<h1>Who are you today?</h1>
<p><strong>${client.name}</strong> wants to use Toolgate for you.</p>
<p class="note">These are sample users for trying things on this machine. There is no password.</p>
${tenants.map(
  (tenant) => html`<h2 id="tenant-${tenant}">Tenant ${tenant}</h2>
<ul class="users" aria-labelledby="tenant-${tenant}">
${users
  .filter((user) => user.tenant === tenant)
  .map(
    (user) => html`<li><form method="post" action="${action}"><input type="hidden" name="prompt" value="login">
<button name="user" value="${user.name}">${user.displayName}<span class="role">${user.role}</span> <span class="about">${user.about}</span></button></form></li>
`,
  )}</ul>
`,
)}${cancelForm(action, 'login')}`,
  );
}

/** The sign-in page of a server that nobody can sign in to. */
export function noIdentityProviderPage(action: string): string {
  return page(
    'Sign in',
    html`<h1>Nobody can sign in here yet</h1>
<p>No identity provider is configured for this server. Ask the people who run it to connect one.</p>
<p class="soft">Agents with their own credentials are not affected.</p>
${cancelForm(action, 'login')}`,
  );
}

/** Leads on to the sign-in of the organisation. */
export function signedOutPage(next: string): string {
  return page(
    'Signed out',
    html`<h1>You are signed out here</h1>\n<p><a href="${next}">Sign in with another account</a></p>`,
  );
}

export interface ConsentQuestion {
  readonly client: ShownClient;
  readonly account: Account;
  readonly resource: { readonly uri: string; readonly title: string };
  readonly scopes: readonly (readonly [scope: string, words: ScopeWords])[];
  readonly isRemembered: boolean;
  /** Comes back with the answer: what the yes is to. */
  readonly shown: string;
  readonly action: string;
}

/** The question: may this client do these things at this server, as you? */
export function consentPage({
  client,
  account,
  resource,
  scopes,
  isRemembered,
  shown,
  action,
}: ConsentQuestion): string {
  return page(
    'Allow access',
    html`<h1>Allow “${client.name}” to act for you?</h1>
<p class="soft">You are ${account.displayName}, ${account.roles.join(', ') || 'without a role'} in tenant ${account.tenant}.</p>
${whoIsIt(client)}
<h2>Where</h2>
<p>${resource.title}<br><code>${resource.uri}</code></p>
<h2 id="scopes">It may</h2>
<ul class="scopes" aria-labelledby="scopes">
${scopes.map(([scope, { words, changes }]) => html`<li>${words}${changes ? html` <span class="tag">changes data</span>` : undefined}<code>${scope}</code></li>\n`)}</ul>
<p class="soft">Your role and the policies still decide about every call. ${isRemembered ? 'You will not be asked again for this.' : 'You will be asked each time it signs in.'}</p>
<form method="post" action="${action}"><input type="hidden" name="prompt" value="consent"><input type="hidden" name="shown" value="${shown}">
<div class="choice"><button class="main" name="choice" value="allow">Allow</button><button name="choice" value="deny">Deny</button></div>
<div class="switch"><button name="choice" value="switch">Use another account</button></div>
</form>`,
  );
}

/** One clear sentence, and nothing that a stranger sent unless it is escaped text. */
export function errorPage(heading: string, sentence: string): string {
  return page(heading, html`<h1>${heading}</h1>\n<p>${sentence}</p>`);
}

function whoIsIt(client: ShownClient) {
  if (client.isOurs) return html`<p>This is the Toolgate command line on this machine.</p>`;
  const destination = client.isLoopback
    ? html`a program on your own machine (<code>${client.redirectHost}</code>)`
    : html`<strong>${client.redirectHost}</strong>`;
  if (client.verifiedHost === undefined) {
    return html`<p class="note"><strong>Nobody checked who this client is.</strong> It registered itself and chose its own name. Access goes to ${destination}. Allow it only if you started this sign-in yourself.</p>`;
  }
  if (client.isLoopback) {
    return html`<p>Published by <strong>${client.verifiedHost}</strong>.</p>
<p class="note">Access goes to ${destination}, and any program there can use this client's name. Allow it only if you started this sign-in yourself.</p>`;
  }
  return html`<p>Published by <strong>${client.verifiedHost}</strong>. Access goes to ${destination}.</p>`;
}

/** Takes the person back to the client without a yes. */
export function cancelForm(action: string, prompt: string) {
  return html`<form class="switch" method="post" action="${action}"><input type="hidden" name="prompt" value="${prompt}"><button name="choice" value="deny">Cancel and go back</button></form>`;
}
