import assert from 'node:assert/strict';
import { test } from 'node:test';
import { synthTemplate } from '../../support/synth.ts';
import { makePlatform } from '../make-platform.ts';

test('the authorization server lists the agents of its own platform, and may read nothing else of SSM', () => {
  const { template } = synthTemplate((stack) => void makePlatform(stack));
  const json = template.toJSON();
  assert.match(JSON.stringify(json), /"Name":"AGENTS_PATH","Value":"\/toolgate\/prod\/agents"/);
  const listed = Object.values(json.Resources as Record<string, { Type: string; Properties: unknown }>)
    .filter(({ Type }) => Type === 'AWS::IAM::Policy')
    .map(({ Properties }) => JSON.stringify(Properties))
    .filter((text) => text.includes('ssm:GetParametersByPath'));
  assert.equal(listed.filter((text) => text.includes(':parameter/toolgate/prod/agents"')).length, 1);
  assert.equal(listed.filter((text) => text.includes(':parameter/toolgate/prod/servers"')).length, 1);
  assert.equal(listed.length, 2);
});
