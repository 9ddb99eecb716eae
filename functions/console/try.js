// Trying an event: which hooks would get it, and why the others would not. It can be published as well.

import { breakable, byId, el } from "./dom.js";
import { FieldForm, readJson } from "./forms.js";
import { Publisher } from "./publish.js";
import { routeTo } from "./route.js";
import { badge, capital, counted, sentence } from "./status.js";

const FIRST_SCOPE = "store/order/created";
// What a hook that would not get the event would have kept.
const HELD = ["deactivated", "paused"];

export class TryView extends FieldForm {
  #api;
  #example = "";
  #turn = 0;
  #publisher;

  title = "Try an event";
  interval = Infinity; // what is shown is about the event that was tried

  constructor() {
    super("try", "try-form", "try-submit", ["scope", "data"]);
    const { scope, data } = this.form.elements;
    scope.addEventListener("input", () => {
      if (!data.value.trim() || data.value === this.#example) this.#takeExample();
    });
    byId("try-example").addEventListener("click", () => this.#takeExample());
    const refuse = (error) => this.showProblems(error.fields, "");
    this.#publisher = new Publisher(() => this.#readAnew(), refuse);
  }

  get section() {
    return byId("try");
  }

  /** @param tried the scope of a hook: the event is one of its. */
  async open(api, { store, tried }) {
    this.#api = api;
    this.#turn++;
    this.#publisher.open(api);
    byId("try-back").href = routeTo({ store });
    byId("try-result").hidden = true;
    this.showProblems(new Map(), "");
    this.form.elements.scope.value = eventScope(tried);
    this.form.elements.data.value = "";
    this.#takeExample();
    byId("try-title").focus();
    if (api.mayPublish === undefined) await api.call("GET", "/hooks?limit=1"); // says what the token may do
    this.#publisher.offer();
  }

  refresh() {}

  /** The catalogue's example for the scope, where there is one. */
  #takeExample() {
    const { scope, data } = this.form.elements;
    const example = offered().get(inFirstChannel(scope.value.trim()));
    if (example === undefined) return;
    data.value = JSON.stringify(example, null, 2);
    this.#example = data.value;
  }

  read() {
    const { scope, data } = this.form.elements;
    return { scope: scope.value.trim(), data: readJson("data", data.value) };
  }

  #readAnew() {
    this.showProblems(new Map(), "");
    return this.read();
  }

  async act(event) {
    const turn = ++this.#turn;
    const [explained, hooks] = await Promise.all([this.#api.call("POST", "/events/explain", event), this.#api.hooks()]);
    if (turn !== this.#turn) return;
    this.#publisher.offer();
    this.#draw(explained.data, new Map(hooks.map((hook) => [hook.id, hook])));
  }

  #draw(explained, hooks) {
    const sent = explained.filter((one) => one.is_sent).length;
    const title = `${sent} of ${counted(explained.length, "hook")} would get it`;
    byId("try-result").hidden = false;
    byId("try-result-title").textContent = title;
    byId("try-table").hidden = !explained.length;
    // Those of other scopes last: they are many, and what is asked is seldom about them.
    const sorted = [...explained].sort((one, other) => (one.code === "scope") - (other.code === "scope") || one.hook_id - other.hook_id);
    byId("try-rows").replaceChildren(...sorted.map((one) => this.#row(one, hooks.get(one.hook_id))));
    byId("try-result-title").focus();
  }

  #row({ hook_id: hookId, is_sent: isSent, code, reason }, hook) {
    const words = code === "filter" ? reason : capital(reason ?? ""); // of a filter, it begins with a field's name
    const tone = isSent ? "ok" : HELD.includes(code) ? "held" : "idle";
    const link = el("a", { href: routeTo({ store: this.#api.store, hookId }) }, `#${hookId} `, ...breakable(hook?.scope ?? ""));
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, link, hook ? el("div", { class: "destination" }, hook.destination) : null),
      el("td", {}, badge(tone, isSent ? "Sent" : "Not sent"), reason ? el("div", { class: "row-news" }, sentence(words)) : null),
    );
  }
}

/** A scope that an event can have: a hook's own, or one that its wildcard stands above. */
function eventScope(scope) {
  if (!scope.endsWith("*")) return scope || FIRST_SCOPE;
  const above = scope.slice(0, -1);
  const found = [FIRST_SCOPE, ...offered().keys()].find((one) => one.startsWith(inFirstChannel(above)));
  return found?.replace(inFirstChannel(above), above) ?? FIRST_SCOPE;
}

/** The scopes that events can have, with the example of each one's data. Of the channels, the first is there. */
function offered() {
  return new Map([...byId("event-scopes").options].map((option) => [option.value, JSON.parse(option.dataset.example)]));
}

function inFirstChannel(scope) {
  return scope.replace(/^store\/channel\/\d+\//, "store/channel/1/");
}
