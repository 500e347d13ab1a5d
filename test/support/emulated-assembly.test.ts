import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { copyForEmulator } from './emulated-assembly.ts';

test('what an emulator lacks is left out and counted, and what refers to it refers to a made-up name', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-assembly-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  const template = {
    Resources: {
      Store: { Type: 'AWS::ElasticLoadBalancingV2::TrustStore' },
      Listener: {
        Type: 'AWS::ElasticLoadBalancingV2::Listener',
        DependsOn: ['Store'],
        Properties: { Arn: { 'Fn::GetAtt': ['Store', 'Arn'] }, Other: { Ref: 'Store' }, Kept: { Ref: 'AWS::Region' } },
      },
    },
    Outputs: { Out: { Value: { Ref: 'Store' } } },
  };
  mkdirSync(from);
  writeFileSync(join(from, 'manifest.json'), '{}');
  writeFileSync(join(from, 'S.template.json'), JSON.stringify(template));
  writeFileSync(join(from, 'S.assets.json'), JSON.stringify({ files: { a: {} }, dockerImages: { b: {} } }));

  const left = copyForEmulator(from, to, [
    { type: 'AWS::ElasticLoadBalancingV2::TrustStore' },
    { type: 'AWS::ElasticLoadBalancingV2::Listener', when: ({ Port }) => Port === 1 },
  ]);
  assert.deepEqual([...left.types], [['AWS::ElasticLoadBalancingV2::TrustStore', 1]]);
  assert.deepEqual([left.resources, left.ofResources], [1, 2]);
  const copied = JSON.parse(readFileSync(join(to, 'S.template.json'), 'utf8'));
  assert.deepEqual(copied, {
    Resources: {
      Listener: {
        Type: 'AWS::ElasticLoadBalancingV2::Listener',
        Properties: { Arn: 'left-out-Store-Arn', Other: 'left-out-Store', Kept: { Ref: 'AWS::Region' } },
      },
    },
    Outputs: { Out: { Value: 'left-out-Store' } },
  });
  assert.deepEqual(JSON.parse(readFileSync(join(to, 'S.assets.json'), 'utf8')), { files: { a: {} }, dockerImages: {} });
  assert.deepEqual(JSON.parse(readFileSync(join(from, 'S.template.json'), 'utf8')), template);
});
