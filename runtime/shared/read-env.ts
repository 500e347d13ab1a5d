/** What one environment variable must be. `parse` throws with a sentence when the text is wrong. */
export interface EnvVariable<T> {
  readonly parse: (text: string) => T;
  /** Used when the variable is unset or empty; without it the variable is required. */
  readonly fallback?: T;
  readonly what: string;
}

/** A variable that may be left out: the type tells it, so that whoever sets an environment is told at compile time what is missing. */
export interface OptionalEnvVariable<T> extends EnvVariable<T> {
  readonly fallback: T;
}

export type EnvOf<S> = { readonly [K in keyof S]: S[K] extends EnvVariable<infer T> ? T : never };

/** Every problem of an environment at once, so that a boot fails once. */
export class EnvError extends Error {
  constructor(problems: readonly string[]) {
    super(`The environment is not complete:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'EnvError';
  }
}

/**
 * Reads and checks all variables of a service; throws {@link EnvError} that names each missing or wrong one. A rule looks at several variables
 * and says in a sentence what is wrong with them together.
 */
export function readEnv<S extends Readonly<Record<string, EnvVariable<unknown>>>>(
  spec: S,
  source: Readonly<Record<string, string | undefined>>,
  ...rules: readonly ((source: Readonly<Record<string, string | undefined>>) => string | undefined)[]
): EnvOf<S> {
  const problems = rules.map((rule) => rule(source)).filter((problem) => problem !== undefined);
  const env: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(spec)) {
    const text = source[name];
    if (text === undefined || text === '') {
      if ('fallback' in variable) env[name] = variable.fallback;
      else problems.push(`${name} is missing: ${variable.what}`);
      continue;
    }
    try {
      env[name] = variable.parse(text);
    } catch (error) {
      problems.push(`${name} is wrong (${error instanceof Error ? error.message : String(error)}): ${variable.what}`);
    }
  }
  if (problems.length > 0) throw new EnvError(problems);
  return env as EnvOf<S>;
}

export function text(what: string): EnvVariable<string>;
export function text(what: string, fallback: string): OptionalEnvVariable<string>;
export function text(what: string, fallback?: string): EnvVariable<string> {
  return variable(what, (value) => value, fallback);
}

export function url(what: string): EnvVariable<string>;
export function url(what: string, fallback: string): OptionalEnvVariable<string>;
export function url(what: string, fallback?: string): EnvVariable<string> {
  return variable(
    what,
    (value) => {
      const parsed = URL.parse(value);
      if (parsed === null || !['http:', 'https:'].includes(parsed.protocol))
        throw new Error(`not an http(s) URL: ${value}`);
      return value.replace(/\/$/, '');
    },
    fallback,
  );
}

/** A whole number from `min` to `max`. */
export function integer(what: string, range: { min: number; max: number }): EnvVariable<number>;
export function integer(
  what: string,
  range: { min: number; max: number },
  fallback: number,
): OptionalEnvVariable<number>;
export function integer(what: string, range: { min: number; max: number }, fallback?: number): EnvVariable<number> {
  return variable(
    what,
    (value) => {
      const number = Number(value);
      if (!Number.isInteger(number) || number < range.min || number > range.max) {
        throw new Error(`expected a whole number from ${range.min} to ${range.max}, got ${value}`);
      }
      return number;
    },
    fallback,
  );
}

export function list(what: string): EnvVariable<readonly string[]>;
export function list(what: string, fallback: readonly string[]): OptionalEnvVariable<readonly string[]>;
export function list(what: string, fallback?: readonly string[]): EnvVariable<readonly string[]> {
  return variable(
    what,
    (value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    fallback,
  );
}

/** `on` or `off`, which it is unless it is said. */
export function flag(what: string): OptionalEnvVariable<boolean> {
  return {
    what,
    fallback: false,
    parse(value) {
      if (value !== 'on' && value !== 'off') throw new Error(`expected on or off, got ${value}`);
      return value === 'on';
    },
  };
}

function variable<T>(what: string, parse: (text: string) => T, fallback: T | undefined): EnvVariable<T> {
  return fallback === undefined ? { what, parse } : { what, parse, fallback };
}
