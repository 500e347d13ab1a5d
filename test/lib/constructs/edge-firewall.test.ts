import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { edge, edgeFailure } from '../make-edge.ts';

test('WAF stands in front, and counts what MCP and OAuth clients do anyway', () => {
  const template = edge();
  template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 1);
  const [acl] = Object.values(template.findResources('AWS::WAFv2::WebACL'));
  assert.ok(acl);
  const [perAddress, reputation, badInputs, common] = acl.Properties.Rules;
  assert.deepEqual(perAddress.Statement.RateBasedStatement, {
    AggregateKeyType: 'IP',
    EvaluationWindowSec: 300,
    Limit: 10_000,
  });
  const group = (rule: { Statement: { ManagedRuleGroupStatement: { Name: string } } }) =>
    rule.Statement.ManagedRuleGroupStatement.Name;
  assert.deepEqual([reputation, badInputs, common].map(group), [
    'AWSManagedRulesAmazonIpReputationList',
    'AWSManagedRulesKnownBadInputsRuleSet',
    'AWSManagedRulesCommonRuleSet',
  ]);
  const counted = common.Statement.ManagedRuleGroupStatement.RuleActionOverrides.map(
    ({ Name, ActionToUse }: Record<string, unknown>) => {
      assert.deepEqual(ActionToUse, { Count: {} });
      return Name;
    },
  );
  assert.ok(counted.includes('SizeRestrictions_BODY'));
  assert.ok(counted.includes('GenericRFI_QUERYARGUMENTS'));
});

test('what an agent wrote comes back in a click or a form, and no rule on bodies blocks it for its size or its markup', () => {
  const [acl] = Object.values(edge().findResources('AWS::WAFv2::WebACL'));
  assert.ok(acl);
  const groups: { Name: string; RuleActionOverrides?: { Name: string; ActionToUse: object }[] }[] = (
    acl.Properties.Rules as { Statement: { ManagedRuleGroupStatement?: never } }[]
  ).flatMap(({ Statement: { ManagedRuleGroupStatement: group } }) => (group === undefined ? [] : [group]));
  // SQL is what approvers are shown.
  assert.ok(groups.every(({ Name }) => !Name.includes('SQLi')));
  const common = groups.find(({ Name }) => Name === 'AWSManagedRulesCommonRuleSet');
  const counted = (common?.RuleActionOverrides ?? []).filter(({ ActionToUse }) => 'Count' in ActionToUse);
  const onBodies = counted.map(({ Name }) => Name).filter((name) => name.endsWith('_BODY'));
  assert.deepEqual(onBodies, [
    'SizeRestrictions_BODY',
    'CrossSiteScripting_BODY',
    'GenericLFI_BODY',
    'GenericRFI_BODY',
  ]);
});

test('WAF keeps no samples of requests, whose headers hold tokens', () => {
  const json = JSON.stringify(edge().findResources('AWS::WAFv2::WebACL'));
  assert.doesNotMatch(json, /"SampledRequestsEnabled":true/);
});

test('the limit of an address is yours to set, within what WAF takes, and WAF can be left away', () => {
  edge(() => ({ requestsPerAddress: 500 })).hasResourceProperties('AWS::WAFv2::WebACL', {
    Rules: Match.arrayWith([Match.objectLike({ Statement: { RateBasedStatement: Match.objectLike({ Limit: 500 }) } })]),
  });
  assert.match(
    edgeFailure(() => ({ requestsPerAddress: 5 })),
    /requestsPerAddress is 5: give a whole number from 10/,
  );
  edge(() => ({ firewall: false })).resourceCountIs('AWS::WAFv2::WebACL', 0);
});
