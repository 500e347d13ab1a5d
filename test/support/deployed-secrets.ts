import { askEmulator } from './ask-emulator.ts';
import type { Ministack } from './ministack.ts';

/**
 * The operator's part: real URLs. And the emulator's: it ignores ExcludePunctuation, so generated keys are made as AWS would, and knows no
 * `ClientSecret` of an app client, so it is asked for by its API.
 */
export async function fillSecrets(
  emulator: Ministack,
  urls: { readonly reader: string; readonly writer: string },
): Promise<void> {
  const ask = (operation: string, input: object) =>
    askEmulator(emulator, 'secretsmanager', `secretsmanager.${operation}`, input);
  const { SecretList } = (await ask('ListSecrets', { MaxResults: 100 })) as { SecretList: { Name: string }[] };
  for (const { Name } of SecretList) {
    const value = /ReaderUrl/.test(Name)
      ? urls.reader
      : /WriterUrl/.test(Name)
        ? urls.writer
        : /SealingKey|MaskKey|RequestStateKey|CookieKey/.test(Name)
          ? Array.from({ length: 43 }, () => alphabet[Math.floor(Math.random() * alphabet.length)]).join('')
          : /ClientSecret/.test(Name)
            ? await poolClientSecret(emulator)
            : undefined;
    if (value !== undefined) await ask('PutSecretValue', { SecretId: Name, SecretString: value });
  }
}

async function poolClientSecret(emulator: Ministack): Promise<string> {
  const ask = (operation: string, input: object) =>
    askEmulator(emulator, 'cognito-idp', `AWSCognitoIdentityProviderService.${operation}`, input);
  const { UserPools } = (await ask('ListUserPools', { MaxResults: 10 })) as { UserPools: { Id: string }[] };
  for (const { Id: UserPoolId } of UserPools) {
    const list = (await ask('ListUserPoolClients', { UserPoolId })) as { UserPoolClients: { ClientId: string }[] };
    for (const { ClientId } of list.UserPoolClients) {
      const { UserPoolClient } = (await ask('DescribeUserPoolClient', { UserPoolId, ClientId })) as {
        UserPoolClient: { ClientSecret?: string };
      };
      if (UserPoolClient.ClientSecret) return UserPoolClient.ClientSecret;
    }
  }
  throw new Error('no app client of the pool has a secret');
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
