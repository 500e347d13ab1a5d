/** What a person sees: a page, or where the browser is sent. */
export interface Visit {
  readonly status: number;
  readonly url: string;
  /** Where a redirect leads, absolute. */
  readonly next: string | undefined;
  readonly headers: Headers;
  readonly text: string;
}

/** A browser as far as cookies, forms and redirects go. Cookies go by host and path, not by port (RFC 6265 § 8.5). */
export interface Browser {
  go(url: string, form?: Readonly<Record<string, string>>): Promise<Visit>;
  /** Follows redirects until there is a page, or until an address begins with `stop`. */
  follow(url: string, stop?: string): Promise<Visit>;
  /** Names of the cookies it has. */
  cookies(): readonly string[];
}

const redirectsMax = 15;

export function openBrowser(): Browser {
  const jar = new Map<string, { readonly name: string; readonly value: string; readonly path: string }>();

  async function go(url: string, form?: Readonly<Record<string, string>>): Promise<Visit> {
    const { pathname } = new URL(url);
    const sent = [...jar.values()].filter(({ path }) => pathname.startsWith(path));
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'text/html', cookie: sent.map(({ name, value }) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const path = /;\s*path=([^;]*)/i.exec(line)?.[1] ?? pathname;
      if (value === '') jar.delete(`${path} ${name}`);
      else jar.set(`${path} ${name}`, { name, value, path });
    }
    const location = response.headers.get('location');
    const next = location === null ? undefined : new URL(location, url).href;
    return { status: response.status, url, next, headers: response.headers, text: await response.text() };
  }

  return {
    go,
    async follow(url, stop) {
      let visit = await go(url);
      for (let i = 0; visit.next !== undefined; i += 1) {
        if (stop !== undefined && visit.next.startsWith(stop)) return visit;
        if (i === redirectsMax) throw new Error('the redirects go round in circles');
        visit = await go(visit.next);
      }
      return visit;
    },
    cookies: () => [...jar.values()].map(({ name }) => name),
  };
}
