import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Egress } from '../../../lib/constructs/egress.ts';
import { IdentityProvider } from '../../../lib/constructs/identity-provider.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';
import { makePlatform } from '../make-platform.ts';

test('a platform whose egress does not reach Cognito is not built with a pool of Cognito', () => {
  assert.match(
    synthFailure((stack) => void makePlatform(stack, { egress: Egress.endpoints() })),
    /^Stack\/Platform: egress is Egress\.endpoints\(\).* nobody could sign in: give identity, .* or choose Egress\.nat\(\)$/,
  );
});

test('with an issuer that is reached from inside, nothing needs the Internet', () => {
  const { template } = synthTemplate(
    (stack) =>
      void makePlatform(stack, {
        egress: Egress.endpoints(),
        identity: IdentityProvider.fromIssuer(stack, 'Issuer', {
          issuer: 'https://login.internal.example.com',
          clientId: 'toolgate',
          clientSecret: secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'toolgate'),
        }),
      }),
  );
  template.resourceCountIs('AWS::EC2::NatGateway', 0);
  template.resourceCountIs('AWS::Cognito::UserPool', 0);
  template.resourcePropertiesCountIs('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Interface' }, 7);
});
