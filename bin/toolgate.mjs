#!/usr/bin/env node
// A clone runs the TypeScript itself, which takes Node.js 24; the packed tarball holds the compiled file only, which runs on what package.json names.
import { existsSync } from 'node:fs';

const source = new URL('./toolgate.ts', import.meta.url);
const isClone = existsSync(source);
const majorMin = isClone ? 24 : 20;
const [major] = process.versions.node.split('.').map(Number);
if (major < majorMin) {
  process.stderr.write(
    `toolgate needs Node.js ${majorMin} or later, this is ${process.versions.node}.${isClone ? ' Run "npm install" in the clone first: it brings Node.js 24, which "npx toolgate" then takes.' : ''}\n`,
  );
  process.exit(1);
}
const { main } = await import(isClone ? source.href : new URL('../dist/bin/toolgate.mjs', import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));
