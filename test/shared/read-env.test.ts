import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flag, integer, readEnv, text, url } from '../../runtime/shared/read-env.ts';

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

test('a switch is off unless it is on, and nothing else', () => {
  const switches = { SAMPLES: flag('sample users') };
  assert.deepEqual(readEnv(switches, {}), { SAMPLES: false });
  assert.deepEqual(readEnv(switches, { SAMPLES: 'on' }), { SAMPLES: true });
  assert.throws(() => readEnv(switches, { SAMPLES: 'yes' }), /SAMPLES is wrong \(expected on or off, got yes\)/);
});
