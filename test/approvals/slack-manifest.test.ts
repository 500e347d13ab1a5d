import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AppsManifestValidateArguments } from '@slack/web-api';

/** As Slack publishes manifests; what is not in its type does not compile. */
const manifest = {
  _metadata: { major_version: 1 },
  display_information: { name: 'Toolgate', description: 'Asks people whether an MCP call may run.' },
  features: { bot_user: { display_name: 'toolgate', always_online: false } },
  oauth_config: { scopes: { bot: ['chat:write', 'users:read', 'users:read.email'] } },
  settings: {
    interactivity: { is_enabled: true },
    org_deploy_enabled: false,
    socket_mode_enabled: true,
    token_rotation_enabled: false,
  },
} satisfies AppsManifestValidateArguments['manifest'];

test('the manifest that people paste is one of the shape that Slack documents, within its lengths', () => {
  const pasted = readFileSync(new URL('../../docs/slack-manifest.json', import.meta.url), 'utf8');
  assert.deepEqual(JSON.parse(pasted), manifest);
  assert.ok(manifest.display_information.name.length <= 35);
  assert.ok(manifest.display_information.description.length <= 140);
  assert.match(manifest.features.bot_user.display_name, /^[a-z0-9._-]{1,80}$/);
});
