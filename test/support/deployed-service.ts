import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AwsCallRecorder } from './aws-call-recorder.ts';
import type { Ministack } from './ministack.ts';
import type { DeployedService } from './read-deployment.ts';
import { until } from './until.ts';

/** One task as the deployment describes it, as a process here. */
export function startDeployedService(parts: {
  readonly service: DeployedService;
  readonly name: string;
  readonly address: string;
  readonly recorder: AwsCallRecorder;
  readonly emulator: Ministack;
  readonly assembly: string;
  readonly folder: string;
  readonly caFile: string;
  readonly hostMap: string;
  readonly slack?: { readonly apiUrl: string; readonly approver: object };
}) {
  const { service, name, address, recorder, emulator, assembly, folder, caFile, hostMap, slack } = parts;
  const writable = join(folder, `${name}-volume`);
  mkdirSync(writable);
  // As the task definition says, but for what one machine needs: an address for each task, and the volume's place.
  const own = Object.fromEntries(
    Object.entries({ ...service.environment, ...service.secrets }).map(([key, value]) => [
      key,
      value.startsWith('/var/toolgate') ? value.replace('/var/toolgate', writable) : value,
    ]),
  );
  const preload = fileURLToPath(new URL('./map-hosts.mjs', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--import', preload, join(assembly, `asset.${service.image.split(':').at(-1)}`, 'index.mjs')],
    {
      cwd: writable,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: '/usr/bin:/bin',
        ...own,
        [name === 'authorization' ? 'AUTHORIZATION_HOST' : 'HOST']: address,
        HOST_MAP: hostMap,
        // The emulator's pool says of an address that it is verified in a text, which counts for nothing; so one approver is listed.
        ...(slack !== undefined && {
          SLACK_API_URL: slack.apiUrl,
          SLACK_APPROVERS: JSON.stringify([slack.approver]),
          // One person asks everything here.
          CARDS_PER_ASKER_MAX: '100',
        }),
        NODE_EXTRA_CA_CERTS: caFile,
        // All clients come from one address here.
        ...(name === 'authorization' && { REGISTRATIONS_PER_MINUTE: '100' }),
        POLICY_POLL_MS: '2000',
        // A new key waits until every reader has it: nobody has an older one here but the gateway, for a second.
        UPSTREAM_KEY_LEAD_MS: '1500',
        // A round ends by itself in the time of a test, and eight of them are longer than it takes a person to answer.
        APPROVAL_HOLD_MS: '2000',
        AWS_ENDPOINT_URL: recorder.endpoint,
        AWS_ACCESS_KEY_ID: emulator.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: emulator.credentials.secretAccessKey,
      },
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const exited = once(child, 'exit');
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await Promise.race([exited, delay(30_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
    await exited;
    if (child.exitCode !== 0)
      throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}: ${output.slice(-2000)}`);
  };
  const port = own.PORT ?? own.AUTHORIZATION_PORT ?? '8080';
  const ready = until(
    async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${output.slice(-2000)}`);
      const answer = await fetch(`http://${address}:${port}/healthz`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.ok === true;
    },
    `${name} to answer`,
    () => output,
  );
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  };
  return { ready, stop, kill, output: () => output };
}
