import assert from 'node:assert/strict';
import { test } from 'node:test';
import { integer, readEnv, text, url } from '../../runtime/shared/read-env.ts';

const spec = { NAME: text('a name'), PORT: integer('a port', { min: 1, max: 65_535 }, 8080), HOME_URL: url('a URL') };

test('an environment that lacks variables names all of them at once', () => {
  assert.throws(
    () => readEnv(spec, { PORT: 'x' }),
    /NAME is missing: a name[\s\S]*PORT is wrong \(expected a whole number[\s\S]*HOME_URL is missing/,
  );
});

test('a variable left out takes its fallback and a URL loses its trailing slash', () => {
  assert.deepEqual(readEnv(spec, { NAME: 'n', HOME_URL: 'http://localhost:1/' }), {
    NAME: 'n',
    PORT: 8080,
    HOME_URL: 'http://localhost:1',
  });
});
