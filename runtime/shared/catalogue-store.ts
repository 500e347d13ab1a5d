import type { CatalogueSnapshot, ServerEntry } from '../contract/registry.ts';

/** The catalogue in DynamoDB. */
export interface CatalogueStore {
  /** Reads the whole catalogue. Throws Refusal `catalogue_unavailable`. */
  read(): Promise<CatalogueSnapshot>;
  /** The catalogue's version alone: one small read. Throws Refusal `catalogue_unavailable`. */
  readVersion(): Promise<number>;
  /** Stores a server and bumps the version. Throws Refusal `name_taken` when a tool or server name is another's. */
  put(server: ServerEntry): Promise<void>;
  /** Removes a server and bumps the version; nothing happens when it is not there. */
  remove(name: string): Promise<void>;
}
