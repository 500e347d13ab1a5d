import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountOf } from '../../runtime/authorization/account-claims.ts';
import { createAccounts } from '../../runtime/authorization/accounts.ts';
import { createItemStore } from '../../runtime/authorization/clients/item-store.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const rules = { tenantClaim: 'custom:tenant', rolesClaim: 'groups', knownRoles: ['approver'] };
const claims = { iss: 'https://idp.example.com', sub: 'ada', 'custom:tenant': 'acme', groups: ['approver'] };
const emailOf = (more: object) => accountOf({ ...claims, ...more }, rules).email;

test('an account has the address that the organisation confirmed, and no other one', () => {
  assert.equal(emailOf({ email: 'ada@example.com', email_verified: true }), 'ada@example.com');
  for (const more of [
    {},
    { email: 'ada@example.com' },
    { email: 'ada@example.com', email_verified: 'true' },
    { email: 'ada', email_verified: true },
    { email: 'a@b@example.com', email_verified: true },
    { email: `${'a'.repeat(400)}@example.com`, email_verified: true },
    { email: ['ada@example.com'], email_verified: true },
  ]) {
    assert.equal(emailOf(more), undefined, JSON.stringify(more));
  }
});

test('an account comes back as it was saved, with or without an address', async (t) => {
  const { client } = await openTestDynamo(t);
  const items = createItemStore({ dynamodb: client, tablePrefix, now: Date.now, logger: silentLogger() });
  const accounts = createAccounts(items, Date.now, 60_000);
  for (const more of [{ email: 'ada@example.com', email_verified: true }, {}]) {
    const account = accountOf({ ...claims, ...more }, rules);
    await accounts.save(account);
    assert.deepEqual(await accounts.find(account.subject), account);
  }
});
