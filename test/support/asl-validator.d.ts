declare module 'asl-validator' {
  /** Checks a definition in Amazon States Language, its JSONata included. */
  const validate: (definition: object) => { readonly isValid: boolean; errorsText(): string };
  export = validate;
}
