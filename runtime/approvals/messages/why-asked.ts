/** Why policy wants a yes, in a sentence for people; a reason that has none is shown as it is. */
export const whyAsked: Readonly<Record<string, string>> = {
  destructive_tool: 'The tool changes or deletes something.',
};
