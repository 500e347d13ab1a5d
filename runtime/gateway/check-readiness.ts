import type { GatewayDeps } from './deps.ts';

/** What this replica still lacks before it may take calls, one phrase each; empty when it is ready. Never names a path or an address. */
export function checkReadiness(
  deps: Pick<GatewayDeps, 'policy' | 'catalogue' | 'signingKeys' | 'problems'>,
): readonly string[] {
  const problems: string[] = [...(deps.problems?.() ?? [])];
  if (deps.policy.revision() === undefined) problems.push('no policy bundle');
  try {
    deps.catalogue();
  } catch {
    problems.push('no catalogue');
  }
  const signing = deps.signingKeys.problem();
  if (signing !== undefined) problems.push(signing);
  return problems;
}
