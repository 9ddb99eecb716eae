// The figures of a hook: what came of its deliveries in some time, as a plot and as a table, and what waits now.

import { explain } from "./api.js";
import { byId, el, tell } from "./dom.js";
import { counted, milliseconds } from "./status.js";
import { exact, exactMinute, when } from "./time.js";

const HOUR_SECONDS = 3600;
// Counting reads the log: it is done anew by itself seldom.
const FRESH_MS = 60_000;
// Of each period, its length and that of its steps, in seconds.
const PERIODS = {
  "the last hour": [HOUR_SECONDS, 300],
  "the last 24 hours": [24 * HOUR_SECONDS, HOUR_SECONDS],
  "the last 7 days": [7 * 24 * HOUR_SECONDS, 6 * HOUR_SECONDS],
};
const [WIDTH, HEIGHT, GAP] = [720, 96, 2];
const KINDS = {
  status: "a status that is no 2xx",
  timeout: "no response in time",
  dns: "the name does not resolve",
  connection: "no connection",
  tls: "TLS failed",
  response: "no valid response",
  refused: "not sent there",
  other: "other reasons",
};

export class StatsView {
  #api;
  #id;
  #period = "the last 24 hours";
  #readAt = -Infinity;
  #turn = 0;

  constructor() {
    const select = byId("stats-period");
    select.append(...Object.keys(PERIODS).map((period) => el("option", { selected: period === this.#period }, period)));
    select.addEventListener("change", () => {
      this.#period = select.value;
      this.refresh({ isAsked: true });
    });
    byId("hook").querySelector("[data-refresh]").addEventListener("click", () => this.refresh({ isAsked: true }));
  }

  /** Show another hook's: nothing of the one before stays. */
  open(api, id) {
    this.#api = api;
    this.#id = id;
    this.#readAt = -Infinity;
    this.#turn++;
    byId("stats-whole").hidden = true;
    tell(byId("stats-problem"), "");
  }

  /** Count anew, unless that was done a moment ago. What goes wrong is told here: the rest of the page stands without. */
  async refresh({ isAsked = false } = {}) {
    if (!isAsked && Date.now() - this.#readAt < FRESH_MS) return;
    this.#readAt = Date.now();
    const turn = ++this.#turn;
    const [length, step] = PERIODS[this.#period];
    // Steps begin at whole hours or minutes.
    const until = Math.floor(Date.now() / 1000) + 1;
    const since = Math.floor((until - length) / step) * step;
    byId("stats").ariaBusy = "true";
    try {
      const query = new URLSearchParams({ since, until, step });
      const { data } = await this.#api.call("GET", `/hooks/${encodeURIComponent(this.#id)}/stats?${query}`);
      if (turn !== this.#turn) return;
      tell(byId("stats-problem"), "");
      this.#draw(data);
    } catch (error) {
      if (turn === this.#turn) tell(byId("stats-problem"), explain(error));
    } finally {
      if (turn === this.#turn) byId("stats").ariaBusy = null;
    }
  }

  #draw(data) {
    const { steps, covers } = data;
    byId("stats-whole").hidden = false;
    byId("stats-summary").replaceChildren(...summaryNodes(data));
    tell(byId("stats-covers"), covers.is_complete ? "" : `There was too much to count: nothing of what came before ${exact(covers.since)} is shown.`);
    const hasAttempts = steps.some(({ attempts }) => attempts);
    byId("stats-figure").hidden = !hasAttempts;
    if (hasAttempts) {
      byId("stats-plot").replaceChildren(...bars(steps));
      byId("stats-from").textContent = exactMinute(steps[0].since);
      byId("stats-most").textContent = `Most in a step: ${counted(Math.max(...steps.map(({ attempts }) => attempts)), "attempt")}`;
      byId("stats-to").textContent = exactMinute(covers.until);
    }
    byId("stats-rows").replaceChildren(...steps.toReversed().filter(({ deliveries }) => deliveries).map(stepRow));
    byId("stats-table-whole").hidden = !steps.some(({ deliveries }) => deliveries);
  }
}

function failures({ failed }) {
  return Object.values(failed).reduce((sum, number) => sum + number, 0);
}

function kinds({ failed }) {
  return Object.entries(failed)
    .map(([kind, number]) => `${KINDS[kind] ?? kind}: ${number.toLocaleString("en")}`)
    .join(", ");
}

/** The figures in words. */
function summaryNodes(data) {
  const { covers, latency_ms: latency } = data;
  if (!covers.deliveries) return [el("p", {}, "No event came for it."), ...waitingNodes(data)];
  const failed = failures(data);
  const share = failed ? ` (${percent(failed / data.attempts)})` : "";
  const lines = [`${counted(covers.deliveries, "delivery", "deliveries")}, ${data.delivered.toLocaleString("en")} of them delivered. ${counted(data.attempts, "attempt")}, ${failed.toLocaleString("en")} failed${share}${failed ? `: ${kinds(data)}` : ""}.`];
  if (latency.p50 !== null) lines.push(`Half of the attempts took ${milliseconds(latency.p50)} or less, 95 of 100 ${milliseconds(latency.p95)}, 99 of 100 ${milliseconds(latency.p99)}.`);
  return [...lines.map((line) => el("p", {}, line)), ...waitingNodes(data)];
}

/** What waits and what is held now. */
function waitingNodes({ waiting, held, oldest_waiting_at: oldest, covers }) {
  const number = (count, isExact) => `${count.toLocaleString("en")}${isExact ? "" : " or more"}`;
  const parts = [];
  if (waiting) parts.push(`${number(waiting, covers.is_waiting_exact)} waiting now, of which the oldest came `, when(oldest), ". ");
  if (held) parts.push(`${number(held, covers.is_held_exact)} held now.`);
  return parts.length ? [el("p", {}, ...parts)] : [];
}

/** Less than a tenth of a percent is not none. */
function percent(share) {
  return share < 0.001 ? "less than 0.1 %" : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** A bar for each step: what succeeded, and above it what failed. The table says the same. */
function bars(steps) {
  const most = Math.max(...steps.map(({ attempts }) => attempts));
  const width = WIDTH / steps.length;
  return steps.map((step, position) => {
    const failed = failures(step);
    const group = shape("g", {}, shape("title", {}, `${exactMinute(step.since)}: ${counted(step.attempts, "attempt")}, ${failed} failed`));
    // A lone failure among thousands is to be seen.
    const height = (number) => (number ? Math.max(2, (number / most) * (HEIGHT - 4)) : 0);
    const box = { x: position * width + GAP / 2, width: Math.max(1, width - GAP) };
    const [good, bad] = [height(step.attempts - failed), height(failed)];
    group.append(shape("rect", { class: "stats-ground", ...box, y: 0, height: HEIGHT }));
    if (good) group.append(shape("rect", { class: "stats-ok", ...box, y: HEIGHT - good, height: good }));
    if (bad) group.append(shape("rect", { class: "stats-bad", ...box, y: Math.max(0, HEIGHT - good - bad), height: bad }));
    return group;
  });
}

function shape(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function stepRow(step) {
  const failed = failures(step);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, exactMinute(step.since)),
    el("td", { class: "number" }, step.deliveries.toLocaleString("en")),
    el("td", { class: "number" }, step.delivered.toLocaleString("en")),
    el("td", { class: "number" }, step.attempts.toLocaleString("en")),
    el("td", {}, failed ? `${failed.toLocaleString("en")}: ${Object.keys(step.failed).join(", ")}` : "0"),
  );
}
