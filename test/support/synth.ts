// Stacks in memory for the unit tests of constructs. CDK reads CDK_VALIDATION when it synthesises; off, a template takes 10 ms instead of
// seconds. The built-in validator and cdk-nag run once, over the reference deployment.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as cdk from 'aws-cdk-lib';
import { Annotations, Template } from 'aws-cdk-lib/assertions';

process.env.CDK_VALIDATION = 'false';

export interface Synthesised {
  readonly app: cdk.App;
  readonly stack: cdk.Stack;
  readonly template: Template;
  /** Warnings and errors that constructs left. */
  readonly annotations: Annotations;
}

/** Context for `synthTemplate`, and what the stack is called. */
export interface SynthOptions {
  readonly context?: Record<string, unknown>;
  readonly stackName?: string;
}

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An app whose cloud assembly is gone when the process ends. */
export function testApp(context: Record<string, unknown> = {}): cdk.App {
  const outdir = mkdtempSync(join(tmpdir(), 'toolgate-synth-'));
  folders.push(outdir);
  return new cdk.App({ outdir, context, analyticsReporting: false });
}

/** What `build` puts into an environment-agnostic stack, synthesised. */
export function synthTemplate(build: (stack: cdk.Stack) => void, options: SynthOptions = {}): Synthesised {
  const app = testApp(options.context);
  const stack = new cdk.Stack(app, options.stackName ?? 'Stack');
  build(stack);
  return { app, stack, template: Template.fromStack(stack), annotations: Annotations.fromStack(stack) };
}

/** The message of the error that `build` ends with; fails when it ends with none. */
export function synthFailure(build: (stack: cdk.Stack) => void): string {
  try {
    synthTemplate(build);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('the stack was synthesised, and an error was expected');
}
