import type { Ministack } from './ministack.ts';

/** One call of an API that speaks JSON 1.1, unsigned, where no client is installed or a client hides what the emulator says. */
export async function askEmulator(
  { endpoint, region }: Pick<Ministack, 'endpoint' | 'region'>,
  service: string,
  target: string,
  input: object,
): Promise<Record<string, unknown>> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': target,
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${target} was refused with ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}
