import * as opaWasm from '@open-policy-agent/opa-wasm';
import { malformed } from './policy-answer.ts';
import { Refusal } from './refusal.ts';

// Version 1.10 exports loadPolicySync on its default object only, and its types know no default.
const { loadPolicySync } = (opaWasm as unknown as { readonly default: typeof opaWasm }).default;

export type Entrypoint = 'mcp/authz/decision' | 'mcp/authz/visible' | 'mcp/quota/decision';

/** A compiled module; only this file looks inside. */
export interface CompiledWasm {
  readonly [Symbol.toStringTag]: string;
}

// TypeScript has WebAssembly in its library for browsers only.
declare const WebAssembly: { compile(bytes: Uint8Array<ArrayBuffer>): Promise<CompiledWasm> };

/** Throws the engine's CompileError for bytes that are no module. */
export function compileWasm(bytes: Uint8Array<ArrayBuffer>): Promise<CompiledWasm> {
  return WebAssembly.compile(bytes);
}

/** One instance of the policy's Wasm with its data. */
export interface PolicyInstance {
  readonly entrypoints: readonly string[];
  /** The result set for an input that is the text of one JSON value. Throws anything: strings, traps, errors. */
  evaluate(input: ArrayBuffer, entrypoint: Entrypoint): unknown;
  /** Wasm memory in bytes; it grows with the largest input and never shrinks. */
  memoryBytes(): number;
}

export type Instantiate = (module: CompiledWasm, data: unknown) => PolicyInstance;

/** Of 64 KiB each: 2 MiB to 64 MiB. */
const memoryPages = { initial: 32, maximum: 1024 };
/** Above this, an instance is replaced after the answer, so that one large input does not hold memory for good. */
const memoryBytesKept = 16 * 1024 * 1024;

/** An instance of `module` with `data`, of at most 64 MiB. */
export const instantiateOpa: Instantiate = (module, data) => {
  const policy = loadPolicySync(module as never, { ...memoryPages });
  policy.setData(data as object);
  return {
    entrypoints: Object.keys(policy.entrypoints),
    evaluate: (input, entrypoint) => policy.evaluate(input, entrypoint),
    memoryBytes: () => policy.mem.buffer.byteLength,
  };
};

/** Evaluates with an instance that is known to be sound. */
export interface PolicyEvaluator {
  /**
   * The result set. Throws Refusal `json_unsafe` for a lone surrogate, `json_too_complex` for nesting that has no text,
   * `policy_unavailable` for whatever goes wrong inside.
   */
  evaluate(input: object, entrypoint: Entrypoint): unknown;
  readonly entrypoints: readonly string[];
}

export function createPolicyEvaluator(module: CompiledWasm, data: unknown, instantiate: Instantiate): PolicyEvaluator {
  let instance: PolicyInstance | undefined = instantiate(module, data);
  const { entrypoints } = instance;
  return {
    entrypoints,
    evaluate(input, entrypoint) {
      const text = toInputText(input);
      try {
        instance ??= instantiate(module, data);
        const resultSet = instance.evaluate(text, entrypoint);
        if (instance.memoryBytes() > memoryBytesKept) instance = undefined;
        return resultSet;
      } catch (cause) {
        // An abort leaks the Wasm stack: after about a thousand of them every evaluation traps, for every tenant. An
        // instance that threw is therefore never asked again; a new one takes a tenth of a millisecond.
        instance = undefined;
        throw malformed('the evaluation threw', cause);
      }
    },
  };
}

/** The input as JSON text in a buffer of its own: opa-wasm takes only a bare ArrayBuffer for text. */
function toInputText(input: object): ArrayBuffer {
  let text: string | undefined;
  let isSafe: boolean;
  try {
    text = JSON.stringify(input);
    // JSON.stringify writes a lone surrogate as an escape (ECMA-262 § QuoteJSONString), and opa-wasm aborts on it.
    isSafe = text === undefined || !text.includes('\\ud') || isWellFormed(input);
  } catch (cause) {
    // Too deep for the stack is the message's fault; a BigInt or a cycle would be ours.
    if (cause instanceof RangeError) throw new Refusal('json_too_complex', {}, { cause });
    throw malformed('the input is not JSON', cause);
  }
  // Undefined input would be evaluated all the same, and an empty one has nothing to deny by.
  if (text === undefined || !text.startsWith('{')) throw malformed('the input is not an object');
  if (!isSafe) throw new Refusal('json_unsafe');
  const bytes = new TextEncoder().encode(text);
  return bytes.byteLength === bytes.buffer.byteLength
    ? bytes.buffer
    : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/** Every string, keys included, is well-formed UTF-16. Asked only of the few inputs whose text has such an escape. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, member]) => key.isWellFormed() && isWellFormed(member));
}
