/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object. Parsed input has a null prototype or plain own keys only; `__proto__` is refused at the door. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}
