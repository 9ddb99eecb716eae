// A delivery, at the side of its hook's list: why it stands where it does, each attempt, the payload.

import { explain } from "./api.js";
import { attemptNodes } from "./attempt.js";
import { breakable, busy, byId, el, keep, tell } from "./dom.js";
import { STATUSES, capital, counted, hookState, sentence } from "./state.js";
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
  #attemptsBefore; // how many there were when its next attempt was asked for

  /** @param onClose is called when the person closes it; @param onChange when a delivery was changed. */
  constructor(onClose, onChange) {
    byId("delivery-close").addEventListener("click", onClose);
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      onClose();
    });
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog && event.clientX < this.#dialog.getBoundingClientRect().left) onClose();
    });
    const button = byId("delivery-redeliver");
    button.addEventListener("click", () => busy(button, () => this.#redeliver(onChange)));
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
      this.#attemptsBefore = undefined;
      tell(byId("delivery-problem"), "");
      tell(byId("delivery-action-problem"), "");
      byId("delivery-done").textContent = "";
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

  async #redeliver(onChange) {
    const before = attemptCount(this.#delivery);
    tell(byId("delivery-action-problem"), "");
    byId("delivery-done").textContent = "";
    if (!this.#hook.is_active) return;
    try {
      const path = `/hooks/${this.#hook.id}/deliveries/${encodeURIComponent(this.#id)}/redeliver`;
      const delivery = await this.#api.call("POST", path);
      this.#attemptsBefore = before;
      this.#delivery = { ...this.#delivery, ...delivery, attempts: this.#delivery.attempts };
      byId("delivery-done").textContent = "On its way: its next attempt shows here in a moment.";
      this.#draw();
      onChange();
    } catch (error) {
      tell(byId("delivery-action-problem"), explain(error));
    }
  }

  /** Say how the attempt that was asked for went. */
  #tellOutcome() {
    if (this.#attemptsBefore === undefined || attemptCount(this.#delivery) <= this.#attemptsBefore) return;
    const last = this.#delivery.attempts.at(-1);
    this.#attemptsBefore = undefined;
    byId("delivery-done").textContent = last.error ? `Tried again, and it failed: ${sentence(last.error)}` : "Delivered.";
    byId("delivery-done").classList.toggle("attempt-error", Boolean(last.error));
  }

  #draw() {
    const delivery = this.#delivery;
    byId("delivery-whole").hidden = !delivery;
    if (!delivery) return;
    byId("delivery-title").replaceChildren(...breakable(delivery.scope));
    this.#drawState(delivery);
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

  #drawState({ status, next_attempt_at: next }) {
    const [tone, meaning] = STATUSES[status] ?? ["idle", ""];
    byId("delivery-state").className = `state ${tone}`;
    byId("delivery-state-title").textContent = capital(status);
    byId("delivery-state-detail").replaceChildren(meaning, ...(next ? [" Next attempt ", whenNext(next), "."] : []));
    const button = byId("delivery-redeliver");
    button.textContent = OPEN_STATUSES.includes(status) ? "Try now" : "Redeliver";
    button.parentElement.hidden = !this.#hook.is_active || status === "pending";
    const state = hookState(this.#hook).name.toLowerCase();
    byId("delivery-redeliver-hint").textContent = this.#hook.is_active
      ? ""
      : `The hook is ${state}. Switch it on to redeliver.`;
  }

  #drawAttempts(delivery) {
    const count = attemptCount(delivery);
    const { attempts } = delivery;
    byId("delivery-attempts-title").textContent = count ? counted(count, "attempt") : "Attempts";
    const notes = [
      !count && "None was made yet.",
      Boolean(delivery.earlier) && `${counted(delivery.earlier, "attempt")} before it was last redelivered.`,
      count > attempts.length && `The newest ${attempts.length} are kept.`,
    ];
    tell(byId("delivery-attempts-note"), notes.filter(Boolean).join(" "));
    keep(byId("delivery-attempts"), attempts.toReversed(), ({ at }) => at, (row, attempt) => {
      row.className = "attempt";
      row.replaceChildren(...attemptNodes(attempt));
    }, byId("delivery-title"));
  }
}

function attemptCount(delivery) {
  return delivery.attempt_count ?? delivery.attempts.length;
}
