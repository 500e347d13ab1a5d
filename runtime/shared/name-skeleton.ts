/**
 * What a name looks like: names with the same skeleton are told apart by nobody who reads in a hurry. Names are ASCII already; this folds
 * what ASCII has of twins: digits for letters, two letters for one, and the separators.
 */
export function nameSkeleton(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('0', 'o')
    .replaceAll('1', 'l')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll(/[._-]+/g, '.');
}
