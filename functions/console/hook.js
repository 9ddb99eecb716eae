// One hook: whether events reach it and why not, what can be done about it, and its deliveries.

import { explain, isLocal } from "./api.js";
import { attemptNodes } from "./attempt.js";
import { ask, breakable, busy, byId, el, keep, news, rowLink, tell } from "./dom.js";
import { FindField } from "./find.js";
import { routeTo } from "./route.js";
import { StatsView } from "./stats.js";
import { STATUSES, attemptsMade, capital, counted, hookHealth, hookStatus, milliseconds, missed, sentence, statusBadge } from "./status.js";
import { exact, when, whenNext } from "./time.js";

const PAGE_SIZE = 50;
const LARGEST_PAGE = 250;
const DAY_MS = 86_400_000;
// A hook is deactivated when the schedule of a delivery ends, so what failed began two days before.
const OUTAGE_MS = 3 * DAY_MS;

/** Whether a recovery is not over yet. */
function isGoingOn(recovery) {
  return recovery?.state === "running" || recovery?.state === "waiting";
}

export class HookView {
  #api;
  #id;
  #hook;
  #status = "";
  #deliveries = [];
  #newest = []; // of any status: what the hook's status is told from
  #cursor = null;
  #recovery;
  #turn = 0;
  #session;
  #panel;
  #drawnStatus;
  #stats = new StatsView();
  #find = new FindField(() => this.#listAnew());
  #hasLooked = false; // what is looked for is looked for once: that reads much of the log

  constructor(session, panel, forms, go) {
    this.#session = session;
    this.#panel = panel;
    this.#wire(forms, go);
  }

  get section() {
    return byId("hook");
  }

  get title() {
    return this.#hook ? `${this.#hook.scope} (hook ${this.#hook.id})` : `Hook ${this.#id}`;
  }

  /** Seconds between refreshes: few while something is awaited. */
  get interval() {
    return this.#panel.isAwaited || isGoingOn(this.#recovery) ? 2 : 5;
  }

  /** @param before where one was: who comes from elsewhere is led to the hook's title. */
  async open(api, { store, hookId, status, deliveryId }, before) {
    const isOther = this.#api !== api || this.#id !== hookId;
    if (isOther) this.#forget(api, hookId);
    byId("hook-back").href = routeTo({ store });
    if (isOther || this.#status !== status || before.hookId !== hookId) {
      this.#status = Object.hasOwn(STATUSES, status) ? status : "";
      byId("deliveries-status").value = this.#status;
      if (!deliveryId) byId("hook-title").focus();
      await this.refresh();
    }
    if (!this.#hook || this.#id !== hookId) return;
    if (deliveryId) {
      const known = this.#deliveries.find((delivery) => delivery.id === deliveryId);
      await this.#panel.open(api, this.#hook, deliveryId, known);
    } else {
      this.#panel.close();
      if (document.activeElement === document.body) byId("hook-title").focus();
    }
  }

  /** Read hook, deliveries and what is going on anew. What is shown stays until then. */
  async refresh() {
    const turn = ++this.#turn;
    const isStale = () => turn !== this.#turn;
    try {
      const isListed = !this.#find.text || !this.#hasLooked;
      const size = Math.min(Math.max(this.#deliveries.length, PAGE_SIZE), LARGEST_PAGE);
      const [hook, page, newest] = await Promise.all([
        this.#api.call("GET", `/hooks/${encodeURIComponent(this.#id)}`),
        isListed ? this.#page(size) : undefined,
        this.#status || this.#find.text ? this.#api.call("GET", `/hooks/${encodeURIComponent(this.#id)}/deliveries?limit=10`) : undefined,
      ]);
      if (isStale()) return;
      this.#hook = hook;
      this.#newest = (newest ?? page).data;
      if (page) this.#takeNewest(page, size);
      this.#hasLooked = true;
      this.#draw();
      this.#stats.refresh();
      tell(byId("hook-problem"), "");
      await this.#refreshRecovery();
      if (this.#panel.isOpen && !isStale()) await this.#panel.refresh(hook);
    } catch (error) {
      if (isStale()) return;
      tell(byId("hook-problem"), explain(error));
      throw error;
    } finally {
      if (!isStale()) {
        byId("hook-loading").hidden = true;
        byId("deliveries-loading").hidden = true;
      }
    }
  }

  /** Nothing of another hook may be seen under this one's name. */
  #forget(api, id) {
    this.#panel.close();
    this.#api = api;
    this.#id = id;
    this.#hook = undefined;
    this.#stats.open(api, id);
    this.#find.clear();
    this.#deliveries = [];
    this.#cursor = null;
    this.#recovery = undefined;
    this.#drawnStatus = undefined;
    for (const problem of ["hook-problem", "hook-action-problem", "deliveries-problem"]) tell(byId(problem), "");
    for (const hidden of ["hook-whole", "hook-pinged", "hook-recovery"]) byId(hidden).hidden = true;
    byId("hook-title").textContent = "";
    byId("hook-loading").hidden = false;
  }

  #page(limit, cursor) {
    const query = new URLSearchParams({ limit });
    if (this.#status) query.set("status", this.#status);
    if (this.#find.text) query.set("find", this.#find.text);
    if (cursor) query.set("cursor", cursor);
    return this.#api.call("GET", `/hooks/${encodeURIComponent(this.#id)}/deliveries?${query}`);
  }

  /** The newest deliveries, in place of those known; older ones than a request can bring stay as they are. */
  #takeNewest(page, size) {
    const last = page.data.at(-1);
    const older = size === LARGEST_PAGE && page.next_cursor ? this.#deliveries.filter(({ id }) => id < last.id) : [];
    this.#deliveries = [...page.data, ...older];
    if (!older.length) this.#cursor = page.next_cursor;
  }

  // ------------------------------------------------------------ what is shown

  #draw() {
    const hook = this.#hook;
    byId("hook-whole").hidden = false;
    byId("hook-title").replaceChildren(...breakable(hook.scope));
    byId("hook-destination").textContent = hook.destination;
    byId("hook-switch").textContent = hook.is_active ? "Switch off …" : "Switch on";
    byId("hook-switch").className = hook.is_active ? "" : "primary";
    byId("hook-pause").hidden = !hook.is_active;
    byId("hook-pause").textContent = hook.is_paused ? "Resume" : "Pause";
    byId("hook-filter").hidden = !hook.filter;
    byId("hook-filter-text").textContent = hook.filter ? JSON.stringify(hook.filter, null, 2) : "";
    this.#drawStatus(hook);
    this.#drawDeliveries();
    const headers = Object.entries(hook.headers ?? {});
    const facts = [
      ["Id", String(hook.id)],
      ["Destination", el("code", {}, hook.destination)],
      ["Client", el("code", {}, hook.client_id)],
      ["Created", when(hook.created_at)],
      ["Changed", when(hook.updated_at)],
      ["Max. attempts per second", hook.max_per_second === undefined ? "no limit" : String(hook.max_per_second)],
      ["Headers", headers.length ? el("code", {}, headers.map(([name]) => name).join(", ")) : "none"],
    ];
    byId("hook-facts").replaceChildren(...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }

  #drawStatus(hook) {
    const drawn = JSON.stringify([hook, this.#newest]);
    if (drawn === this.#drawnStatus) return;
    this.#drawnStatus = drawn;
    const health = hookHealth(hook, this.#newest);
    byId("hook-status").className = `status ${health.tone}`;
    byId("hook-status-title").replaceChildren(health.title, ...(health.since ? [" ", when(health.since)] : []));
    const lines = health.nodes.length ? [el("p", {}, ...health.nodes)] : [];
    if (hook.deactivated_at) {
      lines.push(el("p", { class: "muted", "data-changes": "" }, "What comes is held. Switch the hook on again when its destination works, then recover what it missed."));
    } else if (hook.is_active && !hook.is_paused && missed(this.#newest).length) {
      const count = counted(missed(this.#newest).length, "delivery", "deliveries");
      lines.push(el("p", { class: "muted" }, `Of the newest ${this.#newest.length}, ${count} failed for good or ${missed(this.#newest).length === 1 ? "is" : "are"} held: only a recovery sends them again.`));
    }
    byId("hook-status-detail").replaceChildren(...lines);
  }

  #drawDeliveries() {
    const list = byId("deliveries-list");
    // The status is part of a row: the row's link leads back to it.
    const rows = this.#deliveries.map((delivery) => ({ delivery, status: this.#status }));
    const draw = (row, { delivery }) => this.#fill(rowLink(row), delivery);
    keep(list, rows, ({ delivery }) => delivery.id, draw, byId("deliveries-title"));
    byId("deliveries-more").hidden = !this.#cursor;
    const empty = byId("deliveries-empty");
    empty.hidden = this.#deliveries.length > 0;
    if (!empty.hidden) empty.replaceChildren(...this.#emptyNodes());
  }

  #emptyNodes() {
    if (this.#find.text) return [el("p", {}, this.#cursor ? "None among the newest. Older ones were not looked through yet." : "No delivery is of an event with this id, or with it in its data.")];
    if (this.#status) return [el("p", {}, `No delivery of this hook is ${this.#status}.`)];
    const { scope, is_active: isActive, store_hash: store } = this.#hook;
    if (!isActive) return [el("h2", {}, "Nothing was sent"), el("p", {}, "Events are sent once the hook is switched on.")];
    if (this.#hook.filter) return [el("h2", {}, "Nothing was sent yet"), el("p", {}, "Its filter may have left events out.", el("span", { "data-changes": "" }, " Try an event to see which it lets through."))];
    const event = scope.endsWith("/*") ? `${scope.slice(0, -1)}…` : scope;
    const command = `storehooks event send${isLocal() ? " --local" : ""} --store-hash ${store} --scope ${event} --data '{"id": 250}'`;
    return [
      el("h2", {}, "Nothing was sent yet"),
      el("p", { "data-changes": "" }, "Send a ping to see whether the destination responds, or publish an event that the hook is for:"),
      el("pre", { "data-changes": "", tabIndex: 0, role: "region", "aria-label": "Command" }, command),
    ];
  }

  #fill(link, delivery) {
    const last = delivery.attempts.at(-1);
    const result = [];
    if (last?.error) result.push(capital(sentence(last.error)), " ");
    if (last && !last.error) result.push(`Took ${milliseconds(last.latency_ms)}. `);
    if (delivery.attempts.length > 1) result.push(`${attemptsMade(delivery)}. `);
    if (!last) result.push(delivery.status === "held" ? "Waits for a recovery." : "No attempt was made.");
    if (delivery.next_attempt_at) result.push("Next ", whenNext(delivery.next_attempt_at), ".");
    link.href = routeTo({ store: this.#api.store, hookId: this.#id, deliveryId: delivery.id, status: this.#status });
    link.replaceChildren(
      el("span", {}, statusBadge(delivery.status)),
      el("div", { class: "row-main" }, el("div", { class: "row-title" }, ...breakable(delivery.scope)), el("div", { class: "row-sub" }, ...result)),
      el("span", { class: "row-end" }, when(delivery.created_at)),
    );
  }

  // ------------------------------------------------------------ what can be done

  #wire({ hookForm, recoverForm }, go) {
    const select = byId("deliveries-status");
    select.append(el("option", { value: "" }, "all"), ...Object.keys(STATUSES).map((status) => el("option", {}, status)));
    select.addEventListener("change", () => {
      go({ store: this.#api.store, hookId: this.#id, status: select.value }, { isReplacing: true });
      this.#status = select.value;
      this.#listAnew();
    });
    this.#onClick("deliveries-more", () => this.#showOlder(), "deliveries-problem");
    this.#onClick("hook-ping", () => this.#ping());
    this.#onClick("hook-try", () => go({ store: this.#api.store, tried: this.#hook.scope }));
    this.#onClick("hook-switch", () => (this.#hook.is_active ? this.#askToSwitchOff() : this.#switchOn()));
    this.#onClick("hook-pause", () => this.#pauseOrResume());
    this.#onClick("hook-edit", () =>
      hookForm.ask(this.#hook, async (given) => {
        await this.#change(given);
        news("The hook was changed.");
      }),
    );
    this.#onClick("hook-delete", () =>
      ask({
        title: `Delete hook ${this.#hook.id}?`,
        text: `${this.#hook.scope} to ${this.#hook.destination}: no more events are sent, what waits is cancelled, and its deliveries cannot be looked at any more.`,
        yes: "Delete the hook",
        explain,
        act: async () => {
          await this.#api.call("DELETE", `/hooks/${this.#hook.id}`);
          news(`Hook ${this.#hook.id} was deleted.`);
          go({ store: this.#api.store });
        },
      }),
    );
    this.#onClick("hook-recover", () => {
      const outage = this.#outage();
      const recover = () => recoverForm.ask(...outage, (given) => this.#recover(given));
      if (this.#hook.is_active) return recover();
      return ask({
        title: "Switch the hook on first?",
        text: `It is ${hookStatus(this.#hook).name.toLowerCase()}, and only what an active hook missed can be sent again. Its destination should be working.`,
        yes: "Switch it on",
        isDangerous: false,
        explain,
        act: () => this.#switchOn(),
        then: recover,
      });
    });
  }

  /** List what is asked for now, in place of all that was listed. */
  #listAnew() {
    this.#deliveries = [];
    this.#hasLooked = false;
    byId("deliveries-loading").hidden = false;
    this.refresh().catch(() => {});
  }

  #onClick(id, work, problem = "hook-action-problem") {
    byId(id).addEventListener("click", () =>
      busy(byId(id), async () => {
        tell(byId(problem), "");
        try {
          await work();
        } catch (error) {
          tell(byId(problem), explain(error));
        }
      }),
    );
  }

  async #change(given) {
    const { hook, recoveryId } = await this.#api.changeHook(this.#hook.id, given);
    this.#hook = hook;
    if (recoveryId) {
      this.#recovery = undefined; // that of an earlier one, which is over
      this.#session.rememberRecovery(this.#id, recoveryId);
    }
    this.#draw();
  }

  async #switchOn() {
    await this.#change({ is_active: true });
    news("The hook is active.");
  }

  async #pauseOrResume() {
    await this.#change({ is_paused: !this.#hook.is_paused });
    news(this.#hook.is_paused ? "The hook is paused." : "The hook resumes: what was held is sent, the oldest first.");
    await this.refresh();
  }

  #askToSwitchOff() {
    ask({
      title: `Switch hook ${this.#hook.id} off?`,
      text: "What waits to be tried again is cancelled, and events that come while it is inactive are not kept for it. Pause it instead to have both held.",
      yes: "Switch it off",
      explain,
      act: async () => {
        await this.#change({ is_active: false });
        news("The hook is inactive.");
      },
    });
  }

  async #showOlder() {
    const page = await this.#page(PAGE_SIZE, this.#cursor);
    const first = page.data[0];
    this.#deliveries.push(...page.data);
    this.#cursor = page.next_cursor;
    this.#drawDeliveries();
    news(`${counted(page.data.length, "older delivery", "older deliveries")} shown.`);
    // The button may be gone, and who came to it wants to go on from there.
    if (first) byId("deliveries-list").querySelector(`[data-key="${CSS.escape(first.id)}"] a`)?.focus();
  }

  async #ping() {
    const { attempt } = await this.#api.call("POST", `/hooks/${this.#hook.id}/ping`);
    byId("hook-pinged").hidden = false;
    const outcome = attempt.error ? "The ping failed" : "The ping arrived";
    byId("hook-pinged-title").textContent = outcome;
    byId("hook-pinged-result").replaceChildren(el("div", { class: "attempt" }, ...attemptNodes(attempt)));
    news(attempt.error ? `${outcome}: ${sentence(attempt.error)}` : `${outcome}.`);
  }

  /** Since when a recovery is offered, and why since then. */
  #outage() {
    const { deactivated_at: deactivatedAt } = this.#hook;
    if (deactivatedAt) {
      const since = new Date(Date.parse(deactivatedAt) - OUTAGE_MS);
      return [since, "Three days before the hook was deactivated, when its deliveries began to fail."];
    }
    const oldest = missed(this.#newest).at(-1);
    if (oldest && !this.#status && !this.#cursor) return [new Date(Date.parse(oldest.created_at) - 1000), "When the first of what it missed came."];
    return [new Date(Date.now() - DAY_MS), "When the event was accepted."];
  }

  // ------------------------------------------------------------ a recovery

  async #recover(given) {
    this.#recovery = await this.#api.call("POST", `/hooks/${this.#hook.id}/recover`, given);
    this.#session.rememberRecovery(this.#id, this.#recovery.id);
    this.#drawRecovery();
    news("The recovery has begun.");
  }

  async #refreshRecovery() {
    const id = this.#session.recoveryOf(this.#id);
    if (!id || (this.#recovery && !isGoingOn(this.#recovery))) return;
    const wasGoingOn = isGoingOn(this.#recovery);
    this.#recovery = await this.#api.call("GET", `/hooks/${encodeURIComponent(this.#id)}/recoveries/${encodeURIComponent(id)}`);
    this.#drawRecovery();
    if (wasGoingOn && !isGoingOn(this.#recovery)) news(`The recovery has ${this.#recovery.state}.`);
  }

  #drawRecovery() {
    const { state, reason, count, is_count_exact: isExact, recovered, since, held_since: heldSince, finished_at: end } = this.#recovery;
    byId("hook-recovery").hidden = false;
    const whole = `${isExact ? "" : "at least "}${counted(count, "delivery", "deliveries")}`;
    const title = { waiting: "Waiting to recover", running: "Recovering", finished: "Recovered", stopped: "The recovery stopped" }[state] ?? capital(state);
    byId("hook-recovery-title").textContent = title;
    byId("hook-recovery-text").replaceChildren(
      state === "waiting"
        ? "It starts as soon as fewer than two recoveries of this client run."
        : `${recovered.toLocaleString("en")} of ${whole} ${heldSince ? `held since ${exact(heldSince)}` : `since ${exact(since)}`}.`,
      ...(reason ? [` ${capital(sentence(reason))}`] : []),
      ...(end ? [" Ended ", when(end), "."] : []),
    );
    const bar = byId("hook-recovery-progress");
    bar.hidden = !isGoingOn(this.#recovery);
    bar.max = Math.max(count, recovered, 1);
    bar.value = recovered;
  }
}
