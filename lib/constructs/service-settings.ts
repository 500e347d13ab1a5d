import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type { approvalsEnv } from '../../runtime/approvals/env.ts';
import type { authorizationEnv } from '../../runtime/authorization/env.ts';
import type { gatewayEnv } from '../../runtime/gateway/env.ts';
import type { registryEnv } from '../../runtime/registry/env.ts';
import type { readServerEnv } from '../../runtime/tools/read/env.ts';

/**
 * What a container of a service is given: a text, or a secret that ECS reads from Secrets Manager when the task starts. A name that the
 * service does not read, and a variable that it cannot start without, are compile errors.
 */
export type SettingsOf<Spec> = { readonly [Name in RequiredName<Spec>]: Setting } & {
  readonly [Name in Exclude<keyof Spec, RequiredName<Spec>>]?: Setting;
};

export type Setting = string | ecs.Secret;

type RequiredName<Spec> = {
  [Name in keyof Spec]: Spec[Name] extends { readonly fallback: unknown } ? never : Name;
}[keyof Spec];

export type GatewaySettings = SettingsOf<typeof gatewayEnv>;
export type AuthorizationSettings = SettingsOf<typeof authorizationEnv>;
export type ApprovalsSettings = SettingsOf<typeof approvalsEnv>;
export type RegistrySettings = SettingsOf<typeof registryEnv>;
/** Of every tool server. What a server reads beyond it is the tenant's to set; the read server stands for all of them. */
export type ToolServerSettings = Omit<SettingsOf<typeof readServerEnv>, 'DATABASE_URL'>;

/** Settings as ECS takes them: texts in the task definition, secrets by their ARN. */
export interface ContainerSettings {
  readonly environment: { [name: string]: string };
  readonly secrets: { [name: string]: ecs.Secret };
}

/** Texts to one side, secrets to the other; what is undefined or empty stays unset, which services read as the same. */
export function containerSettings(settings: Readonly<Record<string, Setting | undefined>>): ContainerSettings {
  const environment: { [name: string]: string } = {};
  const secrets: { [name: string]: ecs.Secret } = {};
  for (const [name, setting] of Object.entries(settings)) {
    if (setting === '') continue;
    if (typeof setting === 'string') environment[name] = setting;
    else if (setting !== undefined) secrets[name] = setting;
  }
  return { environment, secrets };
}
