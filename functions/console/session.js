// Who is looking, and at which recoveries: kept in sessionStorage, which is this tab's alone and outlives a
// reload; or, where that is switched off, for as long as the page stands.

const KEY = "storehooks";

/** What this tab remembers. */
export class Session {
  #kept = {};

  constructor() {
    try {
      this.#kept = JSON.parse(sessionStorage.getItem(KEY)) ?? {};
    } catch {
      this.#kept = {};
    }
  }

  get store() {
    return this.#kept.store;
  }

  get token() {
    return this.#kept.token;
  }

  /** Whether a portal link began it, so that its person has no other token. */
  get isByLink() {
    return this.#kept.isByLink ?? false;
  }

  /** Whether the token may only read. Of a link's it is assumed until the API says more. */
  get isReadOnly() {
    return this.#kept.isReadOnly ?? this.isByLink;
  }

  set isReadOnly(isReadOnly) {
    if (this.token && isReadOnly !== this.isReadOnly) this.#keep({ ...this.#kept, isReadOnly });
  }

  begin(store, token, { isByLink = false } = {}) {
    this.#keep({ store, token, isByLink, recoveries: {} });
  }

  /** @param why is told where one signs in again. */
  end(why) {
    this.#keep(why ? { why } : {});
  }

  /** Why the last one ended, once. */
  takeReason() {
    const { why, ...rest } = this.#kept;
    if (why) this.#keep(rest);
    return why ?? "";
  }

  recoveryOf(hookId) {
    return this.#kept.recoveries?.[hookId];
  }

  rememberRecovery(hookId, recoveryId) {
    this.#keep({ ...this.#kept, recoveries: { ...this.#kept.recoveries, [hookId]: recoveryId } });
  }

  #keep(what) {
    this.#kept = what;
    try {
      if (Object.keys(what).length) sessionStorage.setItem(KEY, JSON.stringify(what));
      else sessionStorage.removeItem(KEY);
    } catch {
      // Kept in memory, then.
    }
  }
}
