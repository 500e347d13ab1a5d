// A node:test reporter: one line a failing test and a file, with counts in the file that TOOLGATE_TEST_SUMMARY names.
import { writeFileSync } from 'node:fs';

export default async function* report(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    if (type === 'test:diagnostic' || type === 'test:stdout') continue;
    if (type === 'test:stderr') yield data.message;
    const isSuite = data.details?.type === 'suite';
    // A file counts as a test only when it fails outside its tests.
    const isFile = data.nesting === 0 && data.name !== undefined && data.file?.endsWith(data.name);
    if (type === 'test:pass' && !isSuite && !isFile) {
      if (data.skip !== undefined || data.todo !== undefined) counts.skipped += 1;
      else counts.passed += 1;
    }
    if (type === 'test:fail') {
      const cause = data.details?.error?.cause ?? data.details?.error;
      if (cause?.failureType === 'subtestsFailed' || data.details?.error?.failureType === 'subtestsFailed') continue;
      counts.failed += 1;
      yield `\nnot ok  ${data.file ?? ''}: ${data.name}\n${cause?.stack ?? cause ?? ''}\n`;
    }
  }
  yield `\n${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}\n`;
  if (process.env.TOOLGATE_TEST_SUMMARY) writeFileSync(process.env.TOOLGATE_TEST_SUMMARY, JSON.stringify(counts));
}
