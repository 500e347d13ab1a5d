/**
 * A policy bundle as one file, `policy-bundle.json`: what a deployment uploads to S3 and gateways load. JSON, because a file asset is uploaded
 * as it is and nothing but a JSON parser is needed to read it; the Wasm is a few hundred kilobytes.
 */
export interface PolicyBundleFile {
  readonly v: 1;
  /** Exactly the {@link policyBundleFileNames}, each as standard base64 (RFC 4648 § 4, with padding). */
  readonly files: { readonly [name: string]: string };
}

/** The files of a bundle, all of them. */
export const policyBundleFileNames = [
  'policy.wasm',
  'build.json',
  'base.json',
  'tenants.json',
  'canaries.json',
] as const;

/** Of the whole file, base64 included. A larger one is refused before it is read. */
export const policyBundleBytesMax = 16_777_216;

/**
 * Where the policy in force is: the JSON text of the SSM parameter that gateways poll. A new version number for every change, also for a way
 * back to older rules: gateways refuse a number below the highest that was ever accepted, and another bundle under the same number.
 */
export interface PolicyPointer {
  readonly v: 1;
  /** A whole number from 1 to 9,007,199,254,740,991 that grows with every change. */
  readonly version: number;
  readonly bucket: string;
  readonly key: string;
  /** SHA-256 of the bundle file's bytes, 64 lower-case hex digits. */
  readonly sha256: string;
}
