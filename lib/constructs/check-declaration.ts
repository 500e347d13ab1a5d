import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { ServerDeclaration } from '../../runtime/contract/server-declaration.ts';
import { reservedScopes } from '../../runtime/contract/step-up.ts';
import { isLiteral, requireProps, shown } from './check-props.ts';
import { reservedHosts } from './service-ports.ts';
import { synthError } from './synth-error.ts';
import type { ScopeDeclaration, ServiceLevelObjective, ToolDeclaration } from './tool-declaration.ts';

/** What a tenant says about its server, as far as the registry will be told. */
export interface DeclaredServer {
  readonly name: string;
  readonly owner: string;
  readonly slo: ServiceLevelObjective;
  readonly tools: readonly ToolDeclaration[];
  readonly scopes: { readonly [scope: string]: ScopeDeclaration };
}

// The patterns of runtime/contract/server-declaration.schema.json, and what a DNS label may be.
const serverName = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const ownerName = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const toolName = /^[a-z][a-z0-9]*([._-][a-z0-9]+)*$/;
const scopeName = /^[A-Za-z0-9][A-Za-z0-9:._/-]*$/;

/** Throws one sentence for the first thing that the registry would refuse, or that would mean something else than its author thinks. */
export function checkDeclaration(scope: IConstruct, server: DeclaredServer): void {
  const fail = (sentence: string): never => {
    throw synthError(scope, sentence);
  };
  requireProps(scope, server, ['owner', 'slo', 'tools', 'scopes']);
  checkNames(server, fail);
  checkServiceLevel(server.slo, fail);
  // Tools first: a scope that a tool names wrongly is told at the tool, not as a scope that nobody needs.
  checkTools(server, fail);
  checkScopes(server, fail);
}

type Fail = (sentence: string) => never;

function checkNames({ name, owner }: DeclaredServer, fail: Fail): void {
  const reserved: readonly string[] = Object.values(reservedHosts);
  if (!isLiteral(name, serverName)) {
    fail(
      `name is ${shown(name)}: give a literal of 1 to 63 lower-case letters, digits and inner hyphens that starts with a letter`,
    );
  }
  if (reserved.includes(name)) {
    fail(`name is "${name}", which the platform itself uses, as it does ${quoted(reserved)}: give another one`);
  }
  if (!isLiteral(owner, ownerName)) {
    fail(
      `owner is ${shown(owner)}: name the team, in 1 to 64 lower-case letters, digits, dots, underscores and hyphens`,
    );
  }
}

function checkServiceLevel({ availability, latencyP95 }: ServiceLevelObjective, fail: Fail): void {
  if (!(availability >= 50 && availability <= 99.999)) {
    fail(`slo.availability is ${shown(availability)}: give the percentage of calls to be answered, from 50 to 99.999`);
  }
  if (!(latencyP95 instanceof cdk.Duration) || latencyP95.isUnresolved()) {
    fail(`slo.latencyP95 is ${shown(latencyP95)}: give a literal duration, e.g. Duration.millis(800)`);
  }
  const latencyMs = latencyP95.toMilliseconds({ integral: false });
  if (!(latencyMs >= 1 && latencyMs <= 3_600_000)) {
    fail(`slo.latencyP95 is ${latencyMs} ms: give a duration from 1 millisecond to 1 hour`);
  }
}

function checkScopes({ scopes, tools }: DeclaredServer, fail: Fail): void {
  const used = new Set(tools.flatMap((tool) => tool?.scopes));
  for (const [scope, declared] of Object.entries(scopes)) {
    if (!isLiteral(scope, scopeName) || scope.length > 128) {
      fail(
        `scopes has ${shown(scope)}: a scope is 1 to 128 letters, digits and the characters : . _ / -, and starts with a letter or a digit, e.g. "billing:read"`,
      );
    }
    if (reservedScopes.includes(scope)) {
      fail(
        `scopes has "${scope}", which the platform itself gives, as it does ${quoted(reservedScopes)}: use another one`,
      );
    }
    const words = declared?.words;
    if (!isLiteral(words, /^(?=.*\S).{1,200}$/)) {
      fail(`scopes["${scope}"].words is ${shown(words)}: complete "It may …" in one line of 1 to 200 characters`);
    }
    if (/[.!]$/.test(words)) {
      fail(`scopes["${scope}"].words ends with "${words.at(-1)}": it completes "It may …", so leave that out`);
    }
    if (!used.has(scope))
      fail(`scopes has "${scope}", which no tool needs: leave it out, or name it in a tool's scopes`);
  }
}

function checkTools({ scopes, tools }: DeclaredServer, fail: Fail): void {
  if (tools.length === 0) fail('tools is empty: name every tool of the server');
  const names = new Set<string>();
  for (const tool of tools) {
    if (!isLiteral(tool?.name, toolName) || tool.name.length > 64) {
      fail(
        `tools has ${shown(tool?.name)}: a tool's name is lower-case words of letters and digits joined by . _ or -, at most 64 characters, e.g. "invoices.list"`,
      );
    }
    if (names.has(tool.name)) fail(`tools has "${tool.name}" twice: leave one out, or give it another name`);
    names.add(tool.name);
    checkToolScopes(tool, scopes, fail);
    checkApproval(tool, scopes, fail);
  }
}

function checkToolScopes(tool: ToolDeclaration, scopes: DeclaredServer['scopes'], fail: Fail): void {
  const needed = tool.scopes ?? [];
  if (needed.length === 0 || needed.length > 16 || new Set(needed).size < needed.length) {
    fail(`the scopes of the tool "${tool.name}" are ${quoted(needed)}: name 1 to 16 different ones`);
  }
  const missing = needed.find((scope) => !Object.hasOwn(scopes, scope));
  if (missing !== undefined) {
    fail(
      `the tool "${tool.name}" needs the scope ${shown(missing)}, which scopes does not have: add it there with the words for the consent page; there are ${quoted(Object.keys(scopes))}`,
    );
  }
}

function checkApproval(tool: ToolDeclaration, scopes: DeclaredServer['scopes'], fail: Fail): void {
  const isDestructive = tool.destructive ?? false;
  if (isDestructive && tool.approval?.name !== 'required') {
    fail(
      `the tool "${tool.name}" is destructive and names no approval: add approval: Approval.required(), because no destructive call passes the gateway without a person's yes`,
    );
  }
  if (!isDestructive && tool.approval !== undefined) {
    fail(
      `the tool "${tool.name}" names an approval and is not destructive: add destructive: true if it changes something, or leave approval out`,
    );
  }
  if (isDestructive && !tool.scopes.some((scope) => scopes[scope]?.changes === true)) {
    fail(
      `the tool "${tool.name}" is destructive and none of its scopes ${quoted(tool.scopes)} changes something: add changes: true to the one that does`,
    );
  }
}

/** The declaration as the registry reads it. `revision` makes the registry look again after each deployment. */
export function renderDeclaration(
  server: DeclaredServer,
  deployed: { readonly url: string; readonly audience: string; readonly revision: string },
): ServerDeclaration {
  return {
    v: 1,
    name: server.name,
    owner: server.owner,
    url: deployed.url,
    audience: deployed.audience,
    tools: server.tools.map(({ name, scopes, destructive = false }) => ({ name, scopes: [...scopes], destructive })),
    scopes: Object.fromEntries(
      Object.entries(server.scopes).map(([scope, { words, changes = false }]) => [scope, { words, changes }]),
    ),
    slo: {
      availability: server.slo.availability,
      latencyP95Ms: server.slo.latencyP95.toMilliseconds({ integral: false }),
    },
    revision: deployed.revision,
  };
}

function quoted(texts: readonly string[]): string {
  return texts.length === 0 ? '(none)' : texts.map((text) => `"${text}"`).join(', ');
}
