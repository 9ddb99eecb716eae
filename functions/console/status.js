// What statuses mean, in a word, a colour and a sentence.

import { el } from "./dom.js";
import { when, whenNext } from "./time.js";

/** A delivery's statuses in the order of the filter: its colour, and what it means. */
export const STATUSES = {
  pending: ["wait", "An attempt is on its way."],
  retrying: ["wait", "Attempts failed, and another is to come."],
  delivered: ["ok", "The destination has taken it."],
  exhausted: ["bad", "Every attempt of the schedule failed. It is sent again only if you ask for it."],
  held: ["held", "It came while the hook was deactivated or paused, or waited when that happened. It is sent once a paused hook resumes, or if you ask for it."],
  cancelled: ["idle", "The hook became inactive before it was delivered."],
};

/** A word on its colour. */
export function badge(tone, text) {
  return el("span", { class: `badge ${tone}` }, text);
}

/** A delivery's status as a badge. */
export function statusBadge(status) {
  return badge(STATUSES[status]?.[0] ?? "idle", capital(status));
}

/** A hook's status: active, paused or inactive by its owner's wish, or deactivated by failures. */
export function hookStatus(hook) {
  if (hook.is_active) return hook.is_paused ? { name: "Paused", tone: "held" } : { name: "Active", tone: "ok" };
  return hook.deactivated_at ? { name: "Deactivated", tone: "bad" } : { name: "Inactive", tone: "idle" };
}

/** The last attempt of the newest deliveries, whichever delivery made it. */
function lastAttempt(deliveries) {
  const attempts = deliveries.flatMap((delivery) => delivery.attempts);
  return attempts.reduce((last, one) => (!last || one.at > last.at ? one : last), undefined);
}

/**
 * Whether events reach a hook, and if not why, from its newest deliveries (undefined: not known yet).
 * A tone, a title, and sentences as nodes: the cause is to be seen without a further step.
 */
export function hookHealth(hook, deliveries) {
  const status = hookStatus(hook);
  if (status.name === "Deactivated") {
    const reason = capital(sentence(hook.deactivation_reason ?? "its deliveries failed"));
    return { tone: "bad", title: "Deactivated", since: hook.deactivated_at, nodes: [reason] };
  }
  if (status.name === "Inactive") return { tone: "idle", title: "Inactive", nodes: ["Events are neither sent nor kept."] };
  if (status.name === "Paused") return { tone: "held", title: "Paused", since: hook.paused_at, nodes: ["What comes is held until it resumes."] };
  if (deliveries === undefined) return { tone: "ok", title: "Active", nodes: [] };
  const last = lastAttempt(deliveries);
  if (!last) return { tone: "ok", title: "Active", nodes: ["Nothing was sent yet."] };
  const next = deliveries.map((delivery) => delivery.next_attempt_at).filter(Boolean).sort()[0];
  if (!last.error) {
    const again = next ? [" The next attempt of something that failed before is ", whenNext(next), "."] : [];
    return { tone: "ok", title: "Active", nodes: ["Last delivered ", when(last.at), ".", ...again] };
  }
  const after = next ? [" The next attempt is ", whenNext(next), "."] : [" No attempt is to come."];
  return {
    tone: "wait",
    title: "Active, but failing",
    nodes: ["Last attempt ", when(last.at), ": ", sentence(last.error), ...after],
  };
}

/** How many of these are sent again only if somebody asks for it. */
export function missed(deliveries) {
  return deliveries.filter(({ status }) => status === "exhausted" || status === "held");
}

// So many attempts of a delivery are stored: the newest.
const STORED_ATTEMPTS = 40;

/** How many attempts were made, such as “3 attempts”. A list does not say how many are not stored any more. */
export function attemptsMade({ attempts, attempt_count: count }) {
  if (count === undefined && attempts.length >= STORED_ATTEMPTS) return `${STORED_ATTEMPTS} or more attempts`;
  return counted(count ?? attempts.length, "attempt");
}

/** What came of an attempt, in a word. */
export function attemptBadge(attempt) {
  if (isAcknowledged(attempt)) return badge("ok", "Acknowledged");
  return badge(attempt.error ? "bad" : "ok", attempt.status === null ? "No response" : String(attempt.status));
}

/** Whether a consumer has pulled and acknowledged the delivery: nothing was sent, so there is no response. */
export function isAcknowledged({ status, error }) {
  return status === null && error === null;
}

export function milliseconds(value) {
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${Math.round(value * 10) / 10} ms`;
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The text with a full stop at its end. */
export function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
