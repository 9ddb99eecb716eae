// An attempt: what came of it, how long each of its phases took, and the response.

import { el } from "./dom.js";
import { attemptBadge, isAcknowledged, milliseconds } from "./status.js";
import { exact, when } from "./time.js";

// The times are from the start of the attempt until a step was done, null for one that was not reached.
const PHASES = [
  ["name_lookup_ms", "name", "name look-up"],
  ["connect_ms", "connect", "connect"],
  ["tls_ms", "tls", "TLS"],
  ["first_byte_ms", "wait", "waiting for the response"],
  ["total_ms", "read", "reading"],
];

/** The nodes that show an attempt. */
export function attemptNodes(attempt) {
  return [
    el(
      "p",
      { class: "attempt-head" },
      attemptBadge(attempt),
      el("span", { class: "attempt-error" }, beyondStatus(attempt)),
      el("span", { class: "attempt-time" }, when(attempt.at)),
    ),
    el("p", { class: "exact" }, `${exact(attempt.at)} · ${milliseconds(attempt.latency_ms)} ${isAcknowledged(attempt) ? "until it was acknowledged" : "in all"}`),
    ...phaseNodes(attempt),
    ...responseNodes(attempt),
  ];
}

/** The error, unless it only repeats the status. */
function beyondStatus({ status, error }) {
  return error === null || error === `answered ${status}` ? "" : error;
}

function phaseNodes(attempt) {
  if (isAcknowledged(attempt)) return [];
  const { times, error, status } = attempt;
  let done = 0;
  const phases = [];
  for (const [field, kind, name] of PHASES) {
    const until = times[field];
    if (until === null || until === undefined) continue;
    const hasEnded = field !== "total_ms" || status !== null;
    if (until - done >= 0.05) phases.push([kind, hasEnded ? name : "until it failed", until - done]);
    done = Math.max(done, until);
  }
  if (!phases.length) return [];
  const bar = el("div", { class: "phases", "aria-hidden": "true" });
  for (const [kind, , length] of phases) {
    const part = el("span", { class: `phase-${kind}` });
    part.style.flexGrow = String(length);
    bar.append(part);
  }
  const legend = phases.map(([kind, name, length]) =>
    el("li", { class: `phase-${kind}` }, `${name} ${milliseconds(length)}`),
  );
  if (!error && times.connect_ms === 0) legend.unshift(el("li", { class: "kept" }, "kept connection"));
  return [bar, el("ul", { class: "legend", "aria-label": "Where the time went" }, ...legend)];
}

function responseNodes({ at, answer: body, status }) {
  if (status === null || body === undefined) return [];
  if (!body) return [el("p", { class: "exact" }, "The response’s body was empty.")];
  const text = el("pre", { tabIndex: 0, role: "region", "aria-label": `Response of ${exact(at)}` }, body);
  return [el("details", { open: true }, el("summary", {}, "Response (its first KB)"), text)];
}
