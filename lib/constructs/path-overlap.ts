/** Whether some path fits both patterns, as a load balancer reads them: `*` is any text, `?` any one character. */
export function pathsOverlap(one: string, other: string): boolean {
  if (one.startsWith('*')) {
    return pathsOverlap(one.slice(1), other) || (other !== '' && pathsOverlap(one, other.slice(1)));
  }
  if (other.startsWith('*')) return pathsOverlap(other, one);
  if (one === '' || other === '') return one === other;
  const isSame = one[0] === other[0] || one[0] === '?' || other[0] === '?';
  return isSame && pathsOverlap(one.slice(1), other.slice(1));
}
