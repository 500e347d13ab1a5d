import * as opaWasm from '@open-policy-agent/opa-wasm';
import { LRUCache } from 'lru-cache';
import { malformed } from './policy-answer.ts';
import { Refusal } from './refusal.ts';

// Version 1.10 exports loadPolicySync on its default object only, and its types know no default.
const { loadPolicySync } = (opaWasm as unknown as { readonly default: typeof opaWasm }).default;

export type Entrypoint = 'mcp/authz/decision' | 'mcp/authz/visible' | 'mcp/quota/decision' | 'mcp/approval/decision';

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
  /**
   * The result set, frozen, for an input that is the text of one JSON value; equal answers may be one object. Throws anything: strings,
   * traps, errors.
   */
  evaluate(input: string, entrypoint: Entrypoint): unknown;
  /** Wasm memory in bytes; it grows with the largest input and never shrinks. */
  memoryBytes(): number;
}

export type Instantiate = (module: CompiledWasm, data: unknown) => PolicyInstance;

/** Of 64 KiB each: 2 MiB to 64 MiB. */
const memoryPages = { initial: 32, maximum: 1024 };
const pageBytes = 65_536;
/** Above this, an instance is replaced after the answer, so that one large input does not hold memory for good. */
const memoryBytesKept = 16 * 1024 * 1024;
/** Few answers are different: a caller's calls of one tool are mostly decided alike. */
const answersMax = 1000;

/** What opa-wasm's policy object holds and its types do not say. */
interface LoadedOpa {
  readonly entrypoints: Readonly<Record<string, number>>;
  readonly mem: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly minorVersion: number;
  readonly dataAddr: number;
  readonly dataHeapPtr: number;
  readonly wasmInstance: { readonly exports: { opa_eval(...args: readonly number[]): number } };
  setData(data: object): void;
}

/**
 * An instance of `module` with `data`, of at most 64 MiB. opa-wasm loads it; the evaluation is called directly (OPA's Wasm ABI 1.2,
 * `opa_eval`), because opa-wasm copies the input twice and parses every answer anew.
 */
export const instantiateOpa: Instantiate = (module, data) => {
  const policy = loadPolicySync(module as never, { ...memoryPages }) as unknown as LoadedOpa;
  policy.setData(data as object);
  if (!(policy.minorVersion >= 2)) throw new Error('the module is of an older ABI than 1.2');
  const { mem, entrypoints, dataAddr, dataHeapPtr: inputAddress } = policy;
  const { opa_eval: evaluateAt } = policy.wasmInstance.exports;
  const answers = new LRUCache<string, object>({ max: answersMax });
  let memory = Buffer.from(mem.buffer);
  // Memory that grows gets a new buffer, and the old one has no bytes.
  const currentMemory = () => {
    if (memory.buffer !== mem.buffer) memory = Buffer.from(mem.buffer);
    return memory;
  };
  return {
    entrypoints: Object.keys(entrypoints),
    evaluate(input, entrypoint) {
      const id = Object.hasOwn(entrypoints, entrypoint) ? entrypoints[entrypoint] : undefined;
      if (id === undefined) throw new Error(`no entrypoint ${entrypoint}`);
      const bytes = Buffer.byteLength(input);
      const missing = inputAddress + bytes - mem.buffer.byteLength;
      if (missing > 0) mem.grow(Math.ceil(missing / pageBytes));
      currentMemory().write(input, inputAddress, 'utf8');
      const answerAddress = evaluateAt(0, id, dataAddr, inputAddress, bytes, inputAddress + bytes, 0);
      const after = currentMemory();
      const text = after.toString('utf8', answerAddress, after.indexOf(0, answerAddress));
      let answer = answers.get(text);
      if (answer === undefined) {
        answer = deepFreeze(JSON.parse(text));
        answers.set(text, answer);
      }
      return answer;
    },
    memoryBytes: () => mem.buffer.byteLength,
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

/** The input as JSON text in which every string is well-formed. */
function toInputText(input: object): string {
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
  return text;
}

/** Every string, keys included, is well-formed UTF-16. Asked only of the few inputs whose text has such an escape. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, member]) => key.isWellFormed() && isWellFormed(member));
}

function deepFreeze(value: object): object {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) deepFreeze(member);
  return Object.freeze(value);
}
