import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import type { ToolDomain } from '../../../lib/constructs/tool-domain.ts';
import { billing, identity, identityFailure } from '../make-identity.ts';

test('tool domains that Cognito would refuse are refused with what to do', () => {
  const scope = { name: 'a:b', description: 'd' };
  const of = (...toolDomains: ToolDomain[]) => identityFailure({ toolDomains });
  assert.match(of({ name: 'Billing', scopes: [scope] }), /tool domain is named "Billing": give 1 to 63 lower-case/);
  assert.match(
    of({ name: 'a', scopes: [scope] }, { name: 'a', scopes: [{ ...scope, name: 'c' }] }),
    /two tool domains are named "a"/,
  );
  assert.match(
    of({ name: 'a', scopes: [scope] }, { name: 'b', scopes: [scope] }),
    /"a:b" of the tool domain b is in another domain/,
  );
  assert.match(of({ name: 'a', scopes: [scope, scope] }), /tool domain a has the scope "a:b" twice/);
  for (const name of ['a/b', 'a b', '', 'ä', 'a"b']) {
    assert.match(
      of({ name: 'a', scopes: [{ ...scope, name }] }),
      /has the scope ".*": give 1 to 128 letters, digits and : \. _ -/,
    );
  }
  assert.match(
    of({ name: 'a', scopes: [{ ...scope, description: '' }] }),
    /description of 0 characters: give 1 to 256/,
  );
  for (const identifier of ['', 'a b', 'x'.repeat(257)]) {
    assert.match(
      of({ name: 'a', scopes: [scope], identifier }),
      /tool domain a has the identifier ".*": give a door of the gateway, 1 to 256 characters/,
    );
  }
  assert.match(
    of(
      { name: 'a', scopes: [scope], identifier: 'x' },
      { name: 'b', scopes: [{ ...scope, name: 'c' }], identifier: 'x' },
    ),
    /two tool domains have the identifier x: merge them/,
  );
  assert.match(of({ name: 'a', scopes: [] }), /tool domain a has 0 scopes: give 1 to 100/);
  const many = Array.from({ length: 101 }, (_, index) => ({ ...scope, name: `s${index}` }));
  assert.match(of({ name: 'a', scopes: many }), /tool domain a has 101 scopes: give 1 to 100/);
});

test('more resource servers than a pool has are refused, until there are more', () => {
  const toolDomains = Array.from({ length: 26 }, (_, index) => ({
    name: `d${index}`,
    scopes: [{ name: `d${index}:read`, description: 'read' }],
  }));
  assert.match(
    identityFailure({ toolDomains }),
    /26 tool domains, and a user pool has at most 25 resource servers: put tools .* resourceServersMax/,
  );
  identity({ toolDomains, resourceServersMax: 30 }).resourceCountIs('AWS::Cognito::UserPoolResourceServer', 26);
});

test('clients that Cognito would refuse, or that would mean something else, are refused', () => {
  const machine = (props: object) =>
    identityFailure({ toolDomains: [billing] }, (made) => {
      made.addMachineClient({ name: 'm', tenant: 'acme', scopes: ['billing:read'], ...props });
    });
  assert.match(
    machine({ scopes: ['billing:erase'] }),
    /machine client m has the scope "billing:erase", which no tool domain has; there are: billing:read, billing:write/,
  );
  assert.match(machine({ scopes: [] }), /machine client m has 0 scopes: give 1 to 50/);
  assert.match(machine({ tenant: 'Acme' }), /tenant is "Acme": give 1 to 63 lower-case/);
  assert.match(machine({ name: 'a/b' }), /name is "a\/b": give 1 to 64 letters/);
  assert.match(machine({ accessTokenValidity: '15m' as never }), /accessTokenValidity is "15m": give a Duration/);
  assert.match(
    machine({ accessTokenValidity: cdk.Duration.hours(2) }),
    /accessTokenValidity is 120 minutes: give whole minutes from 5 to 60/,
  );
  assert.match(
    machine({ accessTokenValidity: cdk.Duration.seconds(330) }),
    /accessTokenValidity is 5.5 minutes: give whole minutes/,
  );
  assert.match(machine({ tenant: cdk.Fn.ref('Tenant') }), /tenant is a token: give 1 to 63/);
  assert.match(machine({ scopes: ['billing:read', 'billing:read'] }), /has the scope "billing:read" twice/);
  const twice = identityFailure({ toolDomains: [billing] }, (made) => {
    for (const tenant of ['acme', 'globex']) made.addMachineClient({ name: 'm', tenant, scopes: ['billing:read'] });
  });
  assert.match(twice, /^Stack\/Identity: there are two clients named "m": give one of the two another name/);
  const app = (callback: string) =>
    identityFailure({ toolDomains: [billing] }, (made) => {
      made.addAppClient({ name: 'c', callbackUrls: [callback], scopes: ['billing:read'] });
    });
  for (const callback of ['http://example.com/b', 'example.com', 'https://a.example/#x']) {
    assert.match(
      app(callback),
      /the app client c has the callback ".*": give https, or http on localhost, without a fragment/,
    );
  }
});

test('an application with an odd name, or nowhere to go back to, is refused', () => {
  const app = (props: object) =>
    identityFailure({ toolDomains: [billing] }, (made) => {
      made.addAppClient({ name: 'c', callbackUrls: ['https://a.example'], scopes: ['billing:read'], ...props });
    });
  assert.match(app({ name: 'größe' }), /an app client is named "größe": give 1 to 64 letters/);
  assert.match(app({ callbackUrls: [] }), /the app client c has no callbackUrls: say where/);
});

test('roles that are none, odd or there twice are refused', () => {
  assert.match(identityFailure({ roles: [] }), /^Stack\/Identity: roles is empty: name each once/);
  assert.match(identityFailure({ roles: ['a b'] }), /roles has "a b": name each once/);
  assert.match(identityFailure({ roles: ['reader', 'reader'] }), /roles has "reader": name each once/);
});

test('an origin that is none is refused', () => {
  assert.match(
    identityFailure({ authorizationUrl: 'https://id.example.com/x' }),
    /authorizationUrl is "https:\/\/id\.example\.com\/x": give an https origin/,
  );
});
