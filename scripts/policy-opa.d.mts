export declare const root: string;
export declare const dist: string;
export declare const entrypoints: readonly string[];
export declare const buildArguments: readonly string[];
export declare class GoMissing extends Error {}
export declare function findOpa(): string;
export declare function findRegal(): string;
export declare function versions(): { readonly opa_version: string; readonly go_version: string };
export declare function makeCapabilities(opa: string): {
  readonly builtins: readonly { readonly name: string }[];
  readonly features: readonly string[];
};
export declare function hashJson(text: string): string;
export declare function hashSources(folder?: string): Readonly<Record<string, string>>;
export declare function sha256(bytes: string | Uint8Array): string;
export declare function run(command: string, args: readonly string[], options?: { readonly cwd?: string }): string;
