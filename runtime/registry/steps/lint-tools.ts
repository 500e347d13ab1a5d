import type { CapabilityManifest, CatalogueSnapshot } from '../../contract/registry.ts';
import { invalid } from './check-manifest.ts';
import { lintSchema } from './lint-schema.ts';
import { suspicionsIn, textFault } from './lint-text.ts';

/**
 * Looks at every text and schema that models and approvers will see. Throws Refusal `manifest_invalid` with every fault. Returns what a
 * person should look at: wording that speaks to a model, or of another server's tools.
 */
export function lintTools(manifest: CapabilityManifest, catalogue: CatalogueSnapshot): readonly string[] {
  const texts = textsOf(manifest);
  const faults = texts.flatMap(([where, text]) => {
    const fault = textFault(text);
    return fault === undefined ? [] : [`${where} ${fault}.`];
  });
  for (const { name, inputSchema, outputSchema } of manifest.tools) {
    faults.push(...lintSchema(inputSchema, `inputSchema of ${name}`));
    if (outputSchema !== undefined) faults.push(...lintSchema(outputSchema, `outputSchema of ${name}`));
  }
  if (faults.length > 0) throw invalid(faults);

  const others = catalogue.servers
    .filter(({ name }) => name !== manifest.server.name)
    .flatMap(({ versions }) => versions.flatMap(({ tools }) => tools.map(({ name }) => name)));
  const shadowed = new Set(others);
  return [...texts, ...schemaTexts(manifest)].flatMap(([where, text]) => [
    ...suspicionsIn(text).map((what) => `${where} ${what}.`),
    ...[...shadowed]
      .filter((name) => names(text, name))
      .map((name) => `${where} names ${name}, another server's tool.`),
  ]);
}

type Text = readonly [where: string, text: string];

function textsOf({ server, tools }: CapabilityManifest): readonly Text[] {
  const optional = (where: string, text: string | undefined): readonly Text[] =>
    text === undefined ? [] : [[where, text]];
  return [
    ['The title of the server', server.title],
    ['The description of the server', server.description],
    ...tools.flatMap(({ name, title, description, annotations }): readonly Text[] => [
      ...optional(`The title of ${name}`, title),
      [`The description of ${name}`, description],
      ...optional(`The annotated title of ${name}`, annotations.title),
    ]),
  ];
}

/** Descriptions inside schemas reach the model as well; as one text each, they were linted one by one already. */
function schemaTexts({ tools }: CapabilityManifest): readonly Text[] {
  return tools.flatMap(({ name, inputSchema, outputSchema }): readonly Text[] => [
    [`inputSchema of ${name}`, JSON.stringify(inputSchema)],
    ...(outputSchema === undefined ? [] : [[`outputSchema of ${name}`, JSON.stringify(outputSchema)] as const]),
  ]);
}

/** True when the whole name stands in the text; short plain words would be found everywhere. */
function names(text: string, name: string): boolean {
  if (!/[._-]/.test(name)) return false;
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    const around = `${text[at - 1] ?? ' '}${text[at + name.length] ?? ' '}`;
    if (!/[a-z0-9_-]/i.test(around)) return true;
  }
  return false;
}
