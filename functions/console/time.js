// Times: told as a person would, with the exact one beside, and kept up with the clock.

import { el } from "./dom.js";

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const EXACT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});
const MINUTE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const STEPS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** "3 minutes ago", "in 12 seconds". */
export function relative(iso, now = Date.now()) {
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  if (seconds <= 0 && seconds > -60) return "less than a minute ago";
  const [unit, size] = STEPS.find(([, least]) => Math.abs(seconds) >= least);
  return RELATIVE.format(Math.trunc(seconds / size), unit);
}

/** The time here and its offset, to the second. */
export function exact(iso) {
  return EXACT.format(new Date(iso));
}

/** The time here without its year, to the minute: where there are many, and all are recent. */
export function exactMinute(iso) {
  return MINUTE.format(new Date(iso));
}

/** A time as an element: relative, exact when it is pointed at. */
export function when(iso) {
  return el(
    "time",
    { class: "when", dateTime: iso, title: `${exact(iso)} (${iso})`, "data-exact": exact(iso) },
    relative(iso),
  );
}

/** When the next attempt is made; one whose time has come is on its way: "due now". */
export function whenNext(iso) {
  const time = when(iso);
  time.dataset.due = "due now";
  return keepUp(time);
}

/** Have all times on the page keep up with the clock. */
export function tick() {
  for (const time of document.querySelectorAll("time.when")) keepUp(time);
}

function keepUp(time) {
  const isDue = time.dataset.due && Date.parse(time.dateTime) <= Date.now();
  const text = isDue ? time.dataset.due : relative(time.dateTime);
  if (time.textContent !== text) time.textContent = text;
  return time;
}

/** For an input of the type datetime-local: local time, without an offset, to the second. */
export function toLocalInput(date) {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** The other way: ISO 8601 with an offset; what is not a time stays as it is, for the API to refuse. */
export function fromLocalInput(text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date.toISOString();
}
