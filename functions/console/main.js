// The page: signing in, where one is, and keeping what is shown up to date.

import { Api, ApiError, explain, isLocal } from "./api.js";
import { DeliveryPanel } from "./delivery.js";
import { busy, byId, tell, wireDialogs } from "./dom.js";
import { HookForm, RecoverForm } from "./forms.js";
import { HookView } from "./hook.js";
import { HooksView } from "./hooks.js";
import { readRoute, routeTo, takeToken } from "./route.js";
import { Session } from "./session.js";
import { exact, tick } from "./time.js";
import { TryView } from "./try.js";

// Each refresh costs requests: a page that nobody looks at, or has used for a while, makes none.
const IDLE_MS = 15 * 60_000;
const LINK_ENDED = "This link has ended: its time is over, or it was revoked. Ask for a new one where you got it.";

class Console {
  #session = new Session();
  #api;
  #view;
  #route = {};
  #usedAt = Date.now();
  #askedAt = 0; // when the API was last read for what is shown
  #refreshedAt; // and when it last responded
  #openedPanelFrom;

  constructor() {
    this.#takeLink();
    const go = (route, options) => this.#go(route, options);
    const forms = { hookForm: new HookForm(), recoverForm: new RecoverForm() };
    const panel = new DeliveryPanel(() => this.#closePanel());
    this.hooks = new HooksView(forms.hookForm, go);
    this.hook = new HookView(this.#session, panel, forms, go);
    this.trial = new TryView();
    this.#wire();
    if (this.#session.token) this.#api = new Api(this.#session.store, this.#session.token);
    this.#offer();
    this.#follow();
    this.#keepUp();
  }

  #wire() {
    wireDialogs();
    // A link to another session replaces this one, of which the page is to keep nothing.
    addEventListener("hashchange", () => (this.#takeLink() ? location.reload() : this.#follow()));
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (this.#usedAt = Date.now()), true);
    document.addEventListener("visibilitychange", () => document.hidden || this.#refreshByItself());
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault(); // the fragment is the route
      byId("main").focus();
    });
    byId("sign-in-form").addEventListener("submit", (event) => {
      event.preventDefault();
      busy(event.submitter ?? byId("sign-in-form").querySelector("button"), () => this.#signIn());
    });
    byId("sign-out").addEventListener("click", () => this.#signOut(""));
    for (const button of document.querySelectorAll("[data-refresh]")) {
      button.addEventListener("click", () => busy(button, () => this.#refresh()));
    }
    if (isLocal()) byId("sign-in-command").textContent += " --local";
    setInterval(tick, 1000);
  }

  // ------------------------------------------------------------ signing in and out

  async #signIn() {
    const { store, token } = byId("sign-in-form").elements;
    const given = { store: store.value.trim(), token: token.value.trim() };
    for (const input of [store, token]) input.ariaInvalid = input.value.trim() ? null : "true";
    if (!given.store || !given.token) {
      tell(byId("sign-in-problem"), "Both the store hash and a token are needed.");
      (given.store ? token : store).focus();
      return;
    }
    const api = new Api(given.store, given.token);
    try {
      await api.call("GET", "/hooks?limit=1");
    } catch (error) {
      tell(byId("sign-in-problem"), explain(error));
      if (error.status === 401) token.ariaInvalid = "true";
      token.select();
      return;
    }
    token.value = "";
    tell(byId("sign-in-problem"), "");
    this.#session.begin(given.store, given.token);
    this.#api = api;
    this.#offer();
    // Who followed a link meanwhile is led there.
    if (readRoute(location.hash).store === given.store) this.#follow();
    else this.#go({ store: given.store });
  }

  /** Sign in by a portal link. What is wrong with it is told where the hooks are read. */
  #takeLink() {
    const token = takeToken();
    const { store } = readRoute(location.hash);
    if (!token || !store) return false;
    this.#session.begin(store, token, { isByLink: true });
    return true;
  }

  /** Show no button that would fail. Whether a request is allowed is for the API to say. */
  #offer() {
    this.#session.isReadOnly = this.#api?.isReadOnly ?? this.#session.isReadOnly;
    document.body.classList.toggle("read-only", this.#session.isReadOnly);
  }

  /** Loading the page anew leaves nothing of the store behind, on it or in memory. */
  #signOut(why) {
    this.#session.end(why);
    location.reload();
  }

  // ------------------------------------------------------------ where one is

  #go(route, { isReplacing = false } = {}) {
    const fragment = routeTo(route);
    if (isReplacing) {
      history.replaceState(null, "", fragment);
      this.#route = readRoute(fragment);
    } else if (location.hash === fragment) this.#follow();
    else location.hash = fragment;
  }

  /** Show what the fragment names. */
  #follow() {
    const before = this.#route;
    this.#route = readRoute(location.hash);
    if (this.#api && this.#route.store === undefined) return this.#go({ store: this.#api.store });
    // A link to another store needs another token; what this tab holds is not tried on it.
    const isSignedIn = this.#api?.store === this.#route.store && this.#api !== undefined;
    byId("session").hidden = !this.#api;
    byId("session-store").textContent = this.#api?.store ?? "";
    this.#show(isSignedIn ? this.#viewOf(this.#route) : undefined);
    if (!isSignedIn) return this.#showSignIn();
    this.#openedPanelFrom = this.#route.deliveryId && before.hookId === this.#route.hookId ? before : undefined;
    return this.#run(() => this.#view.open(this.#api, this.#view === this.hooks ? before : this.#route, before));
  }

  #viewOf({ hookId, tried }) {
    if (tried !== undefined && !this.#session.isReadOnly) return this.trial;
    return hookId ? this.hook : this.hooks;
  }

  #showSignIn() {
    document.title = "storehooks console";
    const { store, token } = byId("sign-in-form").elements;
    store.value = this.#route.store ?? store.value;
    tell(byId("sign-in-problem"), this.#session.takeReason());
    (store.value ? token : store).focus();
  }

  #show(view) {
    this.#view = view;
    byId("sign-in").hidden = view !== undefined;
    for (const one of [this.hooks, this.hook, this.trial]) one.section.hidden = one !== view;
    byId("refreshing").hidden = view === undefined || view === this.trial;
  }

  /** Back to where the panel was opened, or, from a link that led straight to it, to its hook. */
  #closePanel() {
    if (this.#openedPanelFrom) history.back();
    else {
      history.replaceState(null, "", routeTo({ ...this.#route, deliveryId: undefined }));
      this.#follow();
    }
  }

  // ------------------------------------------------------------ keeping up to date

  #refresh() {
    return this.#run(() => this.#view.refresh());
  }

  /** Do what reads the API for the view; what goes wrong is told there. */
  async #run(read) {
    const view = this.#view;
    this.#askedAt = Date.now();
    try {
      await read();
      this.#offer();
      this.#refreshedAt = Date.now();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) this.#signOut(this.#session.isByLink ? LINK_ENDED : explain(error));
    }
    if (view === this.#view && view) {
      document.title = `${view.title} · storehooks`;
      byId("refreshed").textContent = this.#refreshedAt ? `As of ${exact(this.#refreshedAt)}.` : "";
    }
  }

  /** How long to wait is asked again and again: an attempt may be awaited meanwhile. */
  async #keepUp() {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      if (this.#view && Date.now() - this.#askedAt >= this.#view.interval * 1000) await this.#refreshByItself();
    }
  }

  async #refreshByItself() {
    const isWanted = byId("refresh-by-itself").checked && !document.hidden && Date.now() - this.#usedAt < IDLE_MS;
    if (isWanted && this.#view) await this.#refresh();
  }
}

new Console();
