import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** A JSON logger. Bearer tokens, cookies and arguments are never handed to it; `redact` is the second line. */
export function createLogger(service: string, level = 'info'): Logger {
  return pino({
    level,
    base: { service },
    redact: {
      paths: ['authorization', 'cookie', 'token', '*.authorization', '*.cookie', '*.token', 'headers.authorization'],
      censor: '[redacted]',
    },
  });
}

/** A logger that says nothing, for tests and embedded use. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
