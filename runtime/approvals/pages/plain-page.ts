import { html } from '../../shared/pages/html.ts';
import { page } from '../../shared/pages/page.ts';

/** One clear sentence, and a way on where there is one. */
export function plainPage(heading: string, sentence: string, next?: { readonly href: string; readonly words: string }) {
  return page(
    heading,
    html`<h1>${heading}</h1>\n<p>${sentence}</p>${next && html`\n<p><a href="${next.href}">${next.words}</a></p>`}`,
  );
}
