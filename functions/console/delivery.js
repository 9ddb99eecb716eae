// A delivery, at the side of its hook's list: why it stands where it does, each attempt, the payload.

import { explain } from "./api.js";
import { attemptNodes } from "./attempt.js";
import { breakable, busy, byId, el, keep, tell } from "./dom.js";
import { STATUSES, attemptsMade, capital, hookStatus, sentence } from "./status.js";
import { exact, when, whenNext } from "./time.js";

const OPEN_STATUSES = ["pending", "retrying"];

export class DeliveryPanel {
  #dialog = byId("delivery");
  #api;
  #hook;
  #id;
  #delivery;
  #drawn;
  #turn = 0;
  #askedAfter; // the last attempt there was when the next one was asked for: its time, or null

  /** @param onClose is called when the person closes it. */
  constructor(onClose) {
    byId("delivery-close").addEventListener("click", onClose);
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      onClose();
    });
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog && event.clientX < this.#dialog.getBoundingClientRect().left) onClose();
    });
    const button = byId("delivery-redeliver");
    button.addEventListener("click", () => busy(button, () => this.#redeliver()));
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Whether an attempt is awaited that is due. */
  get isAwaited() {
    if (!this.isOpen || !this.#delivery) return false;
    const { status, next_attempt_at: next } = this.#delivery;
    return status === "pending" || (status === "retrying" && Date.parse(next) < Date.now() + 5000);
  }

  /** Show this delivery of a hook; what the list knows of it at once, the rest when it is read. */
  async open(api, hook, id, known) {
    this.#api = api;
    this.#hook = hook;
    if (this.#id !== id) {
      this.#id = id;
      this.#delivery = known;
      this.#drawn = undefined;
      this.#askedAfter = undefined;
      tell(byId("delivery-problem"), "");
      tell(byId("delivery-action-problem"), "");
      this.#say("");
      this.#draw();
    }
    if (!this.isOpen) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    byId("delivery-title").focus();
    await this.refresh().catch(() => {});
  }

  close() {
    this.#id = undefined;
    if (this.isOpen) this.#dialog.close();
  }

  async refresh(hook = this.#hook) {
    const turn = ++this.#turn;
    const id = this.#id;
    this.#hook = hook;
    byId("delivery-loading").hidden = this.#delivery?.payload !== undefined;
    try {
      const delivery = await this.#api.call("GET", `/hooks/${hook.id}/deliveries/${encodeURIComponent(id)}`);
      if (turn !== this.#turn || id !== this.#id) return;
      this.#delivery = delivery;
      tell(byId("delivery-problem"), "");
      this.#draw();
      this.#tellOutcome();
    } catch (error) {
      if (turn !== this.#turn || id !== this.#id) return;
      tell(byId("delivery-problem"), explain(error));
      throw error;
    } finally {
      if (turn === this.#turn) byId("delivery-loading").hidden = true;
    }
  }

  async #redeliver() {
    const before = lastAttemptAt(this.#delivery);
    tell(byId("delivery-action-problem"), "");
    this.#say("");
    try {
      const path = `/hooks/${this.#hook.id}/deliveries/${encodeURIComponent(this.#id)}/redeliver`;
      const delivery = await this.#api.call("POST", path);
      this.#askedAfter = before;
      this.#delivery = { ...this.#delivery, ...delivery, attempts: this.#delivery.attempts };
      this.#say("On its way: its next attempt shows here in a moment.");
      this.#draw();
    } catch (error) {
      tell(byId("delivery-action-problem"), explain(error));
    }
  }

  /** Say how the attempt that was asked for went. */
  #tellOutcome() {
    if (this.#askedAfter === undefined || lastAttemptAt(this.#delivery) === this.#askedAfter) return;
    const last = this.#delivery.attempts.at(-1);
    this.#askedAfter = undefined;
    if (last.error) this.#say(`Tried again, and it failed: ${sentence(last.error)}`, "bad");
    else this.#say("Delivered.");
  }

  #say(text, tone = "ok") {
    byId("delivery-done").textContent = text;
    byId("delivery-done").className = `done ${tone}`;
  }

  #draw() {
    const delivery = this.#delivery;
    byId("delivery-whole").hidden = !delivery;
    if (!delivery) return;
    byId("delivery-title").replaceChildren(...breakable(delivery.scope));
    this.#drawStatus(delivery);
    const drawn = JSON.stringify(delivery);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#drawAttempts(delivery);
    byId("delivery-payload").textContent =
      delivery.payload === undefined ? "…" : JSON.stringify(delivery.payload, null, 2);
    const facts = [
      ["Delivery", el("code", {}, delivery.id)],
      ["Event", el("code", {}, delivery.event_id)],
      ["Accepted", el("span", {}, exact(delivery.created_at), " · ", when(delivery.created_at))],
      ["Destination now", el("code", {}, this.#hook.destination)],
    ];
    byId("delivery-facts").replaceChildren(...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }

  #drawStatus({ status, next_attempt_at: next }) {
    const [tone, meaning] = STATUSES[status] ?? ["idle", ""];
    byId("delivery-status").className = `status ${tone}`;
    byId("delivery-status-title").textContent = capital(status);
    byId("delivery-status-detail").replaceChildren(meaning, ...(next ? [" The next attempt is ", whenNext(next), "."] : []));
    const button = byId("delivery-redeliver");
    button.textContent = OPEN_STATUSES.includes(status) ? "Try now" : "Redeliver";
    button.parentElement.hidden = !this.#hook.is_active;
    byId("delivery-redeliver-hint").textContent = this.#hook.is_active
      ? ""
      : `The hook is ${hookStatus(this.#hook).name.toLowerCase()}. Switch it on to redeliver.`;
  }

  #drawAttempts(delivery) {
    const { attempts, attempt_count: count } = delivery;
    byId("delivery-attempts-title").textContent = attempts.length ? attemptsMade(delivery) : "Attempts";
    const note = count > attempts.length ? `The newest ${attempts.length} are shown.` : "";
    tell(byId("delivery-attempts-note"), attempts.length ? note : "None was made.");
    keep(byId("delivery-attempts"), attempts.toReversed(), ({ at }) => at, (row, attempt) => {
      row.className = "attempt";
      row.replaceChildren(...attemptNodes(attempt));
    }, byId("delivery-title"));
  }
}

function lastAttemptAt(delivery) {
  return delivery.attempts.at(-1)?.at ?? null;
}
