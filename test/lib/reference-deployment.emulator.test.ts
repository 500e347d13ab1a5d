import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { referenceDeployment } from '../../bin/reference-deployment.ts';
import { pythonEnvironment } from '../support/python-environment.ts';
import { testApp } from '../support/synth.ts';

test('cfn-lint finds nothing in the templates of either profile', async () => {
  const lint = join(await pythonEnvironment('cfn-lint'), 'cfn-lint');
  for (const isDev of [false, true]) {
    const app = testApp(JSON.parse(readFileSync('cdk.json', 'utf8')).context);
    referenceDeployment(app, {
      platformName: 'prod',
      domainName: 'tools.example.com',
      isDev,
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      tenantsPath: 'policies/data/tenants.json',
      policyVersion: 1,
    });
    const templates = app.synth().stacks.map(({ templateFullPath }) => templateFullPath);
    // W3005: the CDK writes out dependencies that CloudFormation would see by itself.
    const run = promisify(execFile)(lint, ['--ignore-checks', 'W3005', '--', ...templates]);
    const said = await run.then(
      ({ stdout }) => stdout,
      ({ stdout, stderr }) => `${stdout}${stderr}`,
    );
    assert.equal(said, '');
  }
});
