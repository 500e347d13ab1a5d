import type { CapabilityManifest } from '../../contract/registry.ts';
import type { ServerDeclaration } from '../../contract/server-declaration.ts';
import { Refusal } from '../../shared/refusal.ts';

/**
 * Holds what the server says of itself against what its stack declared: a container that says more than its stack, or less, is not the one that was
 * reviewed. Throws Refusal `declaration_invalid` naming every difference.
 */
export function agreeWithDeclaration(
  { server, auth, tools }: CapabilityManifest,
  declaration: ServerDeclaration,
): void {
  const differences: string[] = [];
  const compare = (what: string, declared: string, said: string) => {
    if (declared !== said) differences.push(`The ${what} is declared as ${declared}; the server says ${said}.`);
  };
  compare('name', declaration.name, server.name);
  compare('owner', declaration.owner, server.owner);
  compare('audience', declaration.audience, auth.audience);
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  for (const { name, scopes, destructive } of declaration.tools) {
    const own = byName.get(name);
    byName.delete(name);
    if (own === undefined) {
      differences.push(`The tool ${name} is declared; the server does not have it.`);
      continue;
    }
    compare(`list of scopes of ${name}`, inOrder(scopes), inOrder(own.scopes));
    compare(`destructive mark of ${name}`, String(destructive), String(own.destructive));
  }
  for (const name of byName.keys()) differences.push(`The server has the tool ${name}, which is not declared.`);
  if (differences.length === 0) return;
  throw new Refusal('declaration_invalid', {
    reason: `The declaration and the server differ. ${differences[0]}`,
    violations: differences,
  });
}

function inOrder(scopes: readonly string[]): string {
  return [...scopes].sort().join(' ');
}
