import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

/** A PEM file in S3 that a trust store takes in: a bundle of CA certificates, or a revocation list. */
export interface TrustFile {
  /** The bucket that holds the file. */
  readonly bucket: s3.IBucket;
  /** Key of the object. */
  readonly key: string;
  /**
   * Version of the object. A load balancer reads a file when the stack changes it, not when the object changes, so name the version: then
   * a new one is a change.
   *
   * @default - the latest one at the time of the deployment
   */
  readonly version?: string;
}

/** How clients with a certificate are let in. */
export interface MutualTlsOptions {
  /**
   * Signed lists of revoked certificates. A client whose certificate is on one does not connect.
   *
   * @default - none: a certificate is good until it expires
   */
  readonly revocationLists?: TrustFile[];
  /**
   * Tells clients which CAs are trusted, so that a client with several certificates picks the right one.
   *
   * @default true
   */
  readonly advertiseCaNames?: boolean;
  /**
   * Port of the listener.
   *
   * @default 8443
   */
  readonly port?: number;
}

/** Who may come in with a client certificate. The load balancer verifies it: a client without a good one gets no connection. */
export class MutualTls {
  /** Trusts the CAs in a bundle: PEM, at most 25 of them by the quota, chains of at most four. */
  static fromBundle(bundle: TrustFile, options: MutualTlsOptions = {}): MutualTls {
    return new MutualTls(bundle, undefined, options);
  }

  /** Trusts what a trust store that exists already trusts. A trust store costs 4 USD a month and serves many load balancers. */
  static fromTrustStore(trustStore: elbv2.ITrustStore, options: MutualTlsOptions = {}): MutualTls {
    return new MutualTls(undefined, trustStore, options);
  }

  /** The port that asks for a certificate. */
  readonly port: number;
  private readonly bundle: TrustFile | undefined;
  private readonly existing: elbv2.ITrustStore | undefined;
  private readonly options: MutualTlsOptions;

  private constructor(
    bundle: TrustFile | undefined,
    existing: elbv2.ITrustStore | undefined,
    options: MutualTlsOptions,
  ) {
    this.bundle = bundle;
    this.existing = existing;
    this.options = options;
    this.port = options.port ?? 8443;
  }

  /**
   * Makes the trust store and what a listener needs to ask for certificates.
   * @internal
   */
  _bind(scope: Construct): elbv2.MutualAuthentication {
    const trustStore = this.existing ?? this.makeTrustStore(scope);
    const lists = this.options.revocationLists ?? [];
    if (lists.length > 0) {
      new elbv2.TrustStoreRevocation(scope, 'Revocations', { trustStore, revocationContents: lists });
    }
    return {
      // PASS_THROUGH would leave the proof to the service, and anybody could send any certificate.
      mutualAuthenticationMode: elbv2.MutualAuthenticationMode.VERIFY,
      trustStore,
      ignoreClientCertificateExpiry: false,
      advertiseTrustStoreCaNames: this.options.advertiseCaNames ?? true,
    };
  }

  private makeTrustStore(scope: Construct): elbv2.TrustStore {
    const { bucket, key, version } = this.bundle as TrustFile;
    return new elbv2.TrustStore(scope, 'TrustStore', { bucket, key, ...(version !== undefined && { version }) });
  }
}
