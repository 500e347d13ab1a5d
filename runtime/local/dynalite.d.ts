declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
    /** Milliseconds that a table stays CREATING. @default 500 */
    readonly createTableMs?: number;
    /** Folder of the LevelDB files. @default memory */
    readonly path?: string;
  }
  /** DynamoDB's HTTP API on LevelDB. Closing the server closes the store. */
  const dynalite: (options?: DynaliteOptions) => Server;
  export = dynalite;
}
