import { errors } from 'oidc-provider';

/** The store gave no answer. Rendered as 503 `temporarily_unavailable`, never sent to a client's redirect URI. */
export class StoreUnavailable extends errors.OIDCProviderError {
  constructor(cause: unknown) {
    super(503, 'temporarily_unavailable');
    this.cause = cause;
    this.allow_redirect = false;
    // The library hides what is not exposed behind "server_error".
    this.expose = true;
    this.error_description = 'The store of this server gives no answer right now. Try again in a moment.';
  }
}
