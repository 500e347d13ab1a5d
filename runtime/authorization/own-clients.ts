import type { Configuration } from 'oidc-provider';
import { approvalsClientId, commandLineClientId } from './client-kinds.ts';

export function commandLineClient(): NonNullable<Configuration['clients']>[number] {
  return {
    client_id: commandLineClientId,
    client_name: 'Toolgate command line',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    redirect_uris: ['http://127.0.0.1/callback'],
  };
}

export function approvalsClient(origin: string): NonNullable<Configuration['clients']>[number] {
  return {
    client_id: approvalsClientId,
    client_name: 'Toolgate approvals',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    redirect_uris: [`${origin}/approvals/signed-in`],
  };
}
