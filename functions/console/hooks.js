// The list of hooks: each with its status and how its last attempt went.

import { HOOKS_PAGE_SIZE, explain } from "./api.js";
import { breakable, byId, el, keep, news, rowLink, tell } from "./dom.js";
import { routeTo } from "./route.js";
import { badge, hookHealth, hookStatus } from "./status.js";
import { when } from "./time.js";

const SEARCH_FROM = 8;
const LOGS_AT_ONCE = 2;
const FILTERED = "with a filter";
// What needs somebody comes first.
const STATUS_ORDER = ["Deactivated", "Failing", "Paused", "Active", "Inactive"];

export class HooksView {
  #api;
  #hooks = [];
  #logs = new Map(); // by hook's id: its newest deliveries
  #pages = 1;
  #turn = 0;
  #inView = new Set();
  #asked = []; // hooks whose log is to be read
  #readers = 0;
  #observer;

  constructor(hookForm, go) {
    this.#wire(hookForm, go);
    this.#observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) this.#inView.add(target.dataset.key);
        else this.#inView.delete(target.dataset.key);
        if (isIntersecting && !this.#logs.has(target.dataset.key)) this.#askFor(target.dataset.key);
      }
    });
  }

  get section() {
    return byId("hooks");
  }

  get title() {
    return `Hooks of ${this.#api.store}`;
  }

  interval = 20;

  async open(api, { hookId } = {}) {
    if (this.#api !== api) {
      this.#api = api;
      this.#hooks = [];
      this.#logs.clear();
      this.#pages = 1;
      byId("hooks-search").value = "";
      this.#draw();
    }
    byId("hooks-loading").hidden = this.#hooks.length > 0;
    const opener = hookId && byId("hooks-list").querySelector(`[data-key="${CSS.escape(hookId)}"] a`);
    (opener || byId("hooks-title")).focus();
    await this.refresh();
  }

  async refresh() {
    const turn = ++this.#turn;
    const api = this.#api;
    try {
      const hooks = await api.hooks(this.#pages);
      if (turn !== this.#turn || api !== this.#api) return;
      this.#hooks = hooks;
      byId("hooks-more").hidden = hooks.length < HOOKS_PAGE_SIZE * this.#pages;
      tell(byId("hooks-problem"), "");
      this.#draw();
      byId("hooks-empty").hidden = hooks.length > 0;
      for (const key of this.#inView) this.#askFor(key);
    } catch (error) {
      if (turn !== this.#turn || api !== this.#api) return;
      tell(byId("hooks-problem"), explain(error));
      throw error;
    } finally {
      if (turn === this.#turn) byId("hooks-loading").hidden = true;
    }
  }

  #wire(hookForm, go) {
    const create = () =>
      hookForm.ask(null, async (given) => {
        const hook = await this.#api.call("POST", "/hooks", given);
        news(`Hook ${hook.id} is there.`);
        go({ store: this.#api.store, hookId: String(hook.id) });
      });
    byId("hooks-create").addEventListener("click", create);
    byId("hooks-create-first").addEventListener("click", create);
    byId("hooks-try").addEventListener("click", () => go({ store: this.#api.store, tried: "" }));
    byId("hooks-more").addEventListener("click", () => {
      this.#pages++;
      this.refresh().catch(() => {});
    });
    byId("hooks-search").addEventListener("input", () => this.#draw());
    byId("hooks-search-clear").addEventListener("click", () => {
      byId("hooks-search").value = "";
      byId("hooks-search").focus();
      this.#draw();
    });
  }

  #draw() {
    const order = (hook) => STATUS_ORDER.indexOf(this.#statusOf(hook));
    const sorted = [...this.#hooks].sort((one, other) => order(one) - order(other) || one.id - other.id);
    const words = byId("hooks-search").value.toLowerCase().split(/\s+/);
    const found = sorted.filter((hook) => {
      const filter = hook.filter ? FILTERED : "";
      const text = `#${hook.id} ${hook.scope} ${hook.destination} ${hookStatus(hook).name} ${this.#statusOf(hook)} ${filter}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const rows = found.map((hook) => ({ hook, log: this.#logs.get(String(hook.id)) }));
    keep(byId("hooks-list"), rows, ({ hook }) => hook.id, (row, { hook, log }) => this.#fill(rowLink(row), hook, log), byId("hooks-title"));
    for (const row of byId("hooks-list").children) this.#observer.observe(row);
    for (const key of this.#inView) if (!found.some((hook) => String(hook.id) === key)) this.#inView.delete(key);
    const counts = STATUS_ORDER.map((name) => [this.#hooks.filter((hook) => this.#statusOf(hook) === name).length, name]);
    byId("hooks-count").textContent = counts
      .filter(([count]) => count)
      .map(([count, name]) => `${count} ${name.toLowerCase()}`)
      .join(" · ");
    byId("hooks-search-field").hidden = this.#hooks.length < SEARCH_FROM;
    byId("hooks-none-found").hidden = !this.#hooks.length || found.length > 0;
  }

  /** A hook's status, or that it fails, as far as its deliveries are known. */
  #statusOf(hook) {
    const { tone } = hookHealth(hook, this.#logs.get(String(hook.id)));
    return tone === "wait" ? "Failing" : hookStatus(hook).name;
  }

  #fill(link, hook, log) {
    const status = hookStatus(hook);
    const health = hookHealth(hook, log);
    if (hook.is_active && !hook.is_paused && !log) health.nodes = ["Looking at its deliveries …"];
    link.href = routeTo({ store: this.#api.store, hookId: hook.id });
    link.replaceChildren(
      el("span", {}, health.tone === "wait" ? badge("wait", "Failing") : badge(status.tone, status.name)),
      el(
        "div",
        { class: "row-main" },
        el("div", { class: "row-title" }, ...breakable(hook.scope), ...(hook.filter ? [" ", el("span", { class: "mark" }, FILTERED)] : [])),
        el("div", { class: "row-sub destination", title: hook.destination }, hook.destination),
        health.nodes.length ? el("div", { class: `row-news ${health.tone === "ok" ? "" : health.tone}` }, ...health.nodes) : null,
      ),
      el("span", { class: "row-end" }, health.since ? when(health.since) : null, ` #${hook.id}`),
    );
  }

  /** Read a hook's newest deliveries, a few hooks at a time, and those in view only. */
  #askFor(key) {
    const hook = this.#hooks.find(({ id }) => String(id) === key);
    if (!hook?.is_active || this.#asked.includes(key)) return;
    this.#asked.push(key);
    if (this.#readers < LOGS_AT_ONCE) this.#readLogs();
  }

  async #readLogs() {
    this.#readers++;
    const api = this.#api;
    while (this.#asked.length && api === this.#api && !this.section.hidden) {
      const key = this.#asked.shift();
      try {
        const log = await api.call("GET", `/hooks/${key}/deliveries?limit=10`);
        if (api !== this.#api) break;
        this.#logs.set(key, log.data);
        this.#draw();
      } catch {
        // The row stays without it; what is wrong is told when the hooks are read again.
      }
    }
    if (this.section.hidden) this.#asked = [];
    this.#readers--;
  }
}

