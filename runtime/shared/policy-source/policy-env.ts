import { integer, text } from '../read-env.ts';

/** Where a service that decides by policy has its bundle from. Spread into its variables. */
export const policyEnv = {
  POLICY_DIR: text('folder of the policy bundle, watched'),
  POLICY_PARAMETER: text(
    'SSM parameter that names the policy bundle in S3, which is then brought into POLICY_DIR; empty: somebody else fills the folder',
    '',
  ),
  POLICY_POLL_MS: integer(
    'how often POLICY_PARAMETER is read, milliseconds; up to a tenth is added',
    { min: 50, max: 3_600_000 },
    10_000,
  ),
} as const;
