#!/usr/bin/env node
// A clone runs the TypeScript itself; the packed tarball holds the compiled file only.
import { existsSync } from 'node:fs';

const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(
    `toolgate needs Node.js 24, this is ${process.versions.node}. In a clone run "npm install" first; it brings Node.js 24.\n`,
  );
  process.exit(1);
}
const source = new URL('./toolgate.ts', import.meta.url);
const { main } = await import(
  existsSync(source) ? source.href : new URL('../dist/bin/toolgate.mjs', import.meta.url).href
);
process.exitCode = await main(process.argv.slice(2));
