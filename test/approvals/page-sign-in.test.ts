import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { createPageSignIn } from '../../runtime/approvals/page-sign-in.ts';
import { createSealedCookies } from '../../runtime/approvals/sealed-cookies.ts';

/** One sign-in whose ID token says `claims`; the addresses that were noted, and who is signed in after. */
async function signInWith(claims: Readonly<Record<string, unknown>>) {
  const noted: unknown[] = [];
  const cookies = createSealedCookies({ key: 'A'.repeat(43), isSecure: true, now: Date.now });
  let state = '';
  const signIn = createPageSignIn({
    cookies,
    issuer: {
      issuer: 'https://id.example.com',
      authorizationUrl: async (secrets) => {
        state = secrets.state;
        return new URL('https://id.example.com/authorize');
      },
      redeem: async () => ({ sub: 'ada', tenant: 'acme', roles: ['approver'], ...claims }),
    },
    onAddress: async (email, { subject, tenant, roles }) => void noted.push([email, subject, tenant, roles]),
  });
  const exchange = (cookie: string) => {
    const request = new IncomingMessage(new Socket());
    request.headers.cookie = cookie;
    return { request, response: new ServerResponse(request) };
  };
  const cookieOf = (response: ServerResponse) =>
    [response.getHeader('set-cookie')]
      .flat()
      .map((line) => String(line).split(';', 1)[0])
      .join('; ');
  const begun = exchange('');
  await signIn.begin(begun.response, '/approvals', false);
  const back = exchange(cookieOf(begun.response));
  const callback = new URL(`https://mcp.example.com/approvals/signed-in?state=${state}`);
  assert.equal(await signIn.finish(back.request, back.response, callback), '/approvals');
  return {
    noted,
    who: signIn.who(exchange(cookieOf(back.response)).request),
    cookie: back.response.getHeader('set-cookie'),
  };
}

test('an address that the organisation has confirmed is noted for the person, and no other one', async () => {
  const { noted, who, cookie } = await signInWith({ email: 'ada@example.com', email_verified: true });
  assert.deepEqual(noted, [['ada@example.com', 'ada', 'acme', ['approver']]]);
  assert.deepEqual([who?.subject, who?.kind, who?.displayName], ['ada', 'human', 'ada']);
  assert.match(
    String(cookie),
    /__Host-toolgate-approvals-person=[\w-]+; Max-Age=1800; Path=\/; Secure; HttpOnly; SameSite=Lax/,
  );
  for (const claims of [{}, { email: 'ada@example.com' }, { email: 'ada@example.com', email_verified: 'true' }]) {
    assert.deepEqual((await signInWith(claims)).noted, []);
  }
});

test('an ID token without a tenant signs nobody in', async () => {
  await assert.rejects(signInWith({ tenant: undefined }), /not an authorization server of Toolgate/);
  await assert.rejects(signInWith({ roles: 'approver' }), /not an authorization server of Toolgate/);
});
