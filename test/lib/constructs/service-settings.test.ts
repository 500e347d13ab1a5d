import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { containerSettings, type SettingsOf } from '../../../lib/constructs/service-settings.ts';
import { integer, text } from '../../../runtime/shared/read-env.ts';

const billingEnv = {
  LEDGER: text('where the ledger is'),
  PAGE_ROWS: integer('rows of a page', { min: 1, max: 10 }, 5),
} as const;

type BillingSettings = SettingsOf<typeof billingEnv>;

test('texts go to the environment of a task and secrets to its secrets', () => {
  const ledger: secretsmanager.ISecret = secretsmanager.Secret.fromSecretNameV2(new cdk.Stack(), 'Ledger', 'ledger');
  const secret = ecs.Secret.fromSecretsManager(ledger);
  const { environment, secrets } = containerSettings({ LEDGER: secret, PAGE_ROWS: '7' } satisfies BillingSettings);
  assert.deepEqual(environment, { PAGE_ROWS: '7' });
  assert.deepEqual(secrets, { LEDGER: secret });
});

test('a service that is not given a variable it needs does not compile', () => {
  // @ts-expect-error LEDGER has no fallback.
  const settings = { PAGE_ROWS: '7' } satisfies BillingSettings;
  assert.deepEqual(Object.keys(settings), ['PAGE_ROWS']);
});

test('a service that is given a variable it does not read does not compile', () => {
  // @ts-expect-error PAGE_ROW is a slip of the pen.
  const settings = { LEDGER: 'here', PAGE_ROW: '7' } satisfies BillingSettings;
  assert.equal(settings.LEDGER, 'here');
});
