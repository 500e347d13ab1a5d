import type { ServerVersion } from '../contract/registry.ts';

/** True for a version whose calls are let through. */
export function isInService({ status }: ServerVersion): boolean {
  return status === 'active' || status === 'deprecated';
}

/** Takes a version out of service until it is declared again. What is out of service already stays so for its own reason. */
export function withdraw(version: ServerVersion, statusReason: string): ServerVersion {
  return isInService(version) ? { ...version, status: 'disabled', statusReason, withdrawn: true } : version;
}

/** Puts back what was withdrawn, as it was; what a person or a changed definition took out of service stays out. */
export function restore(version: ServerVersion): ServerVersion {
  if (version.withdrawn === undefined) return version;
  const { withdrawn: _withdrawn, statusReason: _reason, ...rest } = version;
  return { ...rest, status: version.deprecatedAtMs === undefined ? 'active' : 'deprecated' };
}
