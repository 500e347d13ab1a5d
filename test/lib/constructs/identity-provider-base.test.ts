import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { IdentityProvider } from '../../../lib/constructs/identity-provider.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

test('any OpenID issuer serves in Cognito’s place', () => {
  synthTemplate((stack) => {
    const clientSecret = secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'okta');
    const issuer = IdentityProvider.fromIssuer(stack, 'Okta', {
      issuer: 'https://acme.okta.com',
      clientId: 'toolgate',
      clientSecret,
    });
    assert.deepEqual(
      [
        issuer.issuer,
        issuer.clientId,
        issuer.signInScopes,
        issuer.rolesClaim,
        issuer.tenantClaim,
        issuer.directIssuers,
      ],
      ['https://acme.okta.com', 'toolgate', 'openid', 'roles', 'tenant', ''],
    );
    assert.equal(issuer.clientSecret, clientSecret);
    const made = (attributes: object) =>
      IdentityProvider.fromIssuer(stack, 'X', {
        issuer: 'https://a.example',
        clientId: 'c',
        clientSecret,
        ...attributes,
      });
    assert.throws(
      () => made({ issuer: 'http://a.example' }),
      /Stack\/X: issuer is "http:\/\/a\.example": give an https URL/,
    );
  });
});

test('what an issuer does not say is refused: an empty variable is one that a service takes its own default for', () => {
  const made = (attributes: object) =>
    synthFailure((stack) => {
      const clientSecret = secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'okta');
      const given = { issuer: 'https://a.example', clientId: 'c', clientSecret };
      IdentityProvider.fromIssuer(stack, 'X', { ...given, ...attributes });
    });
  assert.match(made({ issuer: 'https://' }), /^Stack\/X: issuer is "https:\/\/": give an https URL/);
  assert.match(made({ issuer: undefined }), /^Stack\/X: issuer is undefined, and it is required/);
  assert.match(made({ clientId: '' }), /clientId is "": give what the issuer has there/);
  assert.match(made({ rolesClaim: '' }), /rolesClaim is "": give what the issuer has there/);
  assert.match(made({ clientSecret: undefined }), /clientSecret is undefined, and it is required/);
});
