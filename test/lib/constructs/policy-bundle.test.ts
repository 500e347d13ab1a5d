import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { policyDirectory } from '../../../lib/constructs/assets.ts';
import { PolicyBundle, type PolicyBundleProps } from '../../../lib/constructs/policy-bundle.ts';
import type { PolicyBundleFile } from '../../../runtime/contract/policy-bundle-file.ts';
import { readPolicyBundle } from '../../../runtime/shared/policy-bundle.ts';
import { statementsOf, unknownActions } from '../../support/iam-actions.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

const acme = { tools_by_role: { reader: ['s3.list'] } };

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-tenants-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** A file of tenants. */
function tenantsFile(t: TestContext, tenants: unknown = { acme }): string {
  return join(folderWith(t, { 'tenants.json': JSON.stringify({ tenants }) }), 'tenants.json');
}

const bundleOf = (stack: cdk.Stack, props: Partial<PolicyBundleProps> & { readonly tenantsPath: string }) =>
  new PolicyBundle(stack, 'Policy', { platformName: 'prod', version: 1, ...props });

/** The bundle that the assembly holds for upload, and its text in the assembly. */
function uploaded(app: cdk.App): { readonly text: string; readonly file: PolicyBundleFile } {
  const [name = '', ...others] = globSync('asset.*.json', { cwd: app.outdir });
  assert.deepEqual(others, []);
  const text = readFileSync(join(app.outdir, name), 'utf8');
  return { text, file: JSON.parse(text) };
}

test('the bundle is what a gateway takes', async (t) => {
  const { app } = synthTemplate((stack) => void bundleOf(stack, { tenantsPath: tenantsFile(t) }));
  const { file } = uploaded(app);
  assert.equal(file.v, 1);
  const unpacked = folderWith(t, {});
  for (const [name, content] of Object.entries(file.files)) {
    writeFileSync(join(unpacked, name), Buffer.from(content, 'base64'));
  }
  const bundle = await readPolicyBundle(unpacked);
  assert.deepEqual(Object.fromEntries(bundle.tenants), { acme });
});

test('a parameter of the platform says which version it is, where it is and what it hashes to', (t) => {
  let asset: { s3ObjectKey: string } | undefined;
  const { app, template } = synthTemplate((stack) => {
    asset = bundleOf(stack, { version: 7, tenantsPath: tenantsFile(t) }).asset;
  });
  const [pointer] = Object.values(template.findResources('AWS::SSM::Parameter'));
  assert.equal(pointer?.Properties.Name, '/toolgate/prod/policy');
  assert.equal(pointer?.Properties.Type, 'String');
  const { 'Fn::Sub': sub, 'Fn::Join': joined } = pointer?.Properties.Value ?? {};
  const text = sub ?? joined?.[1].map((part: unknown) => (typeof part === 'string' ? part : '{bucket}')).join('');
  const sha256 = createHash('sha256').update(uploaded(app).text).digest('hex');
  assert.match(
    text,
    new RegExp(`^\\{"v":1,"version":7,"bucket":".+","key":"${asset?.s3ObjectKey}","sha256":"${sha256}"\\}$`),
  );
});

test('a folder with a file for each tenant is as good as one file', (t) => {
  const folder = folderWith(t, { 'acme.json': JSON.stringify(acme), 'globex.json': JSON.stringify(acme) });
  const { app } = synthTemplate((stack) => void bundleOf(stack, { tenantsPath: folder }));
  const tenants = Buffer.from(uploaded(app).file.files['tenants.json'] ?? '', 'base64').toString('utf8');
  assert.deepEqual(JSON.parse(tenants), { tenants: { acme, globex: acme } });
});

test('the same content is the same object, whatever it was read from', (t) => {
  const one = synthTemplate((stack) => void bundleOf(stack, { tenantsPath: tenantsFile(t) }));
  const other = synthTemplate((stack) => void bundleOf(stack, { tenantsPath: tenantsFile(t) }));
  assert.deepEqual(one.template.toJSON(), other.template.toJSON());
});

test('limits and rules of the platform team take the place of those that come with Toolgate', (t) => {
  const base = JSON.parse(readFileSync(join(policyDirectory(), 'base.json'), 'utf8')).base;
  const files = { 'base.json': JSON.stringify({ base: { ...base, rows_max: 17 } }) };
  const basePath = join(folderWith(t, files), 'base.json');
  const rulesDirectory = folderWith(t, {});
  cpSync(policyDirectory(), rulesDirectory, { recursive: true });
  writeFileSync(join(rulesDirectory, 'canaries.json'), '[]');
  const { app } = synthTemplate(
    (stack) => void bundleOf(stack, { tenantsPath: tenantsFile(t), basePath, rulesDirectory }),
  );
  const content = (name: string) => Buffer.from(uploaded(app).file.files[name] ?? '', 'base64').toString('utf8');
  assert.equal(JSON.parse(content('base.json')).base.rows_max, 17);
  assert.equal(content('canaries.json'), '[]');
});

test('a version that is no whole number from 1 is refused', (t) => {
  const tenantsPath = tenantsFile(t);
  for (const version of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
    assert.equal(
      synthFailure((stack) => void bundleOf(stack, { tenantsPath, version })),
      `Stack/Policy: version is ${version}: give a whole number from 1, higher than the last one that was deployed, e.g. 7 after 6`,
    );
  }
});

test('tenants that nobody named are asked for', () => {
  assert.equal(
    synthFailure((stack) => void bundleOf(stack, { tenantsPath: undefined as never, version: 1 })),
    'Stack/Policy: tenantsPath is undefined, and it is required: give it',
  );
});

test('data that a gateway would refuse is refused at synth, with the place and the reason', (t) => {
  const message = (tenants: unknown) => {
    const tenantsPath = tenantsFile(t, tenants);
    return synthFailure((stack) => void bundleOf(stack, { tenantsPath }));
  };
  assert.equal(
    message({ acme: { ...acme, call_per_minute: {} } }),
    'Stack/Policy: tenantsPath: tenants.json: acme: there is no setting "call_per_minute": see docs/policy.md',
  );
  assert.equal(
    message({ Acme: acme }),
    'Stack/Policy: tenantsPath: tenants.json: "Acme" is no name of a tenant: see docs/policy.md',
  );
  assert.match(message({ acme: {} }), /acme has no tools_by_role/);
  assert.match(message({}), /^Stack\/Policy: tenantsPath is .*, which names no tenant: nobody could call anything$/);
});

test('a path where nothing right is, is named', (t) => {
  const fails = (props: Partial<PolicyBundleProps> & { readonly tenantsPath: string }) =>
    synthFailure((stack) => void bundleOf(stack, props));
  assert.equal(
    fails({ tenantsPath: '/nowhere' }),
    'Stack/Policy: tenantsPath is /nowhere, which does not exist: give a file {"tenants": {...}} or a folder of {tenant}.json',
  );
  const folder = folderWith(t, { 'acme.json': '{', 'README.md': 'tenants' });
  assert.match(fails({ tenantsPath: folder }), /where README\.md is no file of a tenant: only \{tenant\}\.json may be/);
  assert.match(fails({ tenantsPath: folderWith(t, { 'acme.json': '{' }) }), /acme\.json is not JSON: /);
  const tenantsPath = tenantsFile(t);
  assert.match(
    fails({ tenantsPath, basePath: '/nowhere' }),
    /^Stack\/Policy: basePath: \/nowhere cannot be read: ENOENT$/,
  );
  assert.match(fails({ tenantsPath, rulesDirectory: folderWith(t, {}) }), /rulesDirectory: .* cannot be read: ENOENT$/);
});

test('rules that are not the ones that were built are refused', (t) => {
  const rulesDirectory = folderWith(t, {});
  cpSync(policyDirectory(), rulesDirectory, { recursive: true });
  writeFileSync(join(rulesDirectory, 'policy.wasm'), 'other');
  const tenantsPath = tenantsFile(t);
  assert.equal(
    synthFailure((stack) => void bundleOf(stack, { tenantsPath, rulesDirectory })),
    'Stack/Policy: rulesDirectory: policy.wasm is not the one that build.json describes: run "npm run policy:build" again',
  );
});

test('who may load the bundle may read the parameter and bundles by their hash, and list nothing', (t) => {
  const { template } = synthTemplate((stack) => {
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
    bundleOf(stack, { tenantsPath: tenantsFile(t) })
      .grants.read(role)
      .assertSuccess();
  });
  const allowed = statementsOf(template).filter(({ Principal }) => Principal === undefined);
  assert.deepEqual(
    allowed.map(({ Action }) => Action),
    ['ssm:GetParameter', 's3:GetObject'],
  );
  assert.match(JSON.stringify(allowed[1]?.Resource), /\/\*\.json"/);
  assert.deepEqual(unknownActions(template), []);
});

test('a bucket of uploads with a key of its own needs that key granted', (t) => {
  const { template } = synthTemplate((stack) => {
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
    const assetsKey = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:123456789012:key/uploads');
    bundleOf(stack, { tenantsPath: tenantsFile(t), assetsKey })
      .grants.read(role)
      .assertSuccess();
  });
  const [decrypt] = statementsOf(template).filter(({ Action }) => Action === 'kms:Decrypt');
  assert.equal(decrypt?.Resource, 'arn:aws:kms:eu-central-1:123456789012:key/uploads');
});
