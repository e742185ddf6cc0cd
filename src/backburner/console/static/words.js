// Numbers, sizes, instants and durations as a person reads them.

const plain = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = (number) => plain.format(number);
export const compact = (number) => (number < 10000 ? plain.format(number) : short.format(number));
export const many = (number, one, more = one + "s") => `${count(number)} ${number === 1 ? one : more}`;

export function percent(part) {
  if (part <= 0) return "0 %";
  if (part >= 1) return "100 %";
  const shown = part * 100;
  if (shown > 99.9) return "99.9 %";
  return `${shown < 10 ? Math.max(0.1, shown).toFixed(1) : Math.floor(shown)} %`;
}

export function rate(perSecond) {
  if (!perSecond) return "–";
  if (perSecond >= 1) return `${perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond))} / s`;
  return perSecond * 60 >= 1 ? `${(perSecond * 60).toFixed(1)} / min` : `${(perSecond * 3600).toFixed(1)} / h`;
}

export function bytes(number) {
  const units = ["bytes", "kB", "MB", "GB"];
  let size = number, unit = 0;
  while (size >= 1000 && unit < units.length - 1) { size /= 1000; unit += 1; }
  return `${unit && size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return s < 600 && s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.round(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.round((s % 86400) / 3600)} h`;
}

export const at = (instant) => Date.parse(instant) / 1000;
export const now = () => Date.now() / 1000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const exact = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

// 14:32 today, 3 Nov 14:32 on another day.
export function time(instant, withSeconds = false) {
  const date = new Date(instant);
  const hour = (withSeconds ? exact : clock).format(date);
  return date.toDateString() === new Date().toDateString() ? hour : `${day.format(date)}, ${hour}`;
}

export const fullTime = (instant) => whole.format(new Date(instant));

export function ago(instant) {
  const seconds = now() - at(instant);
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

// The interval in which a job ends: {likely: "about 14:32", between: "14:30 – 14:40", left: "3 min"}.
export function ending(estimate) {
  if (!estimate) return null;
  const soon = at(estimate.latest_at) - now() < 300;
  const [early, late] = [time(estimate.earliest_at, soon), time(estimate.latest_at, soon)];
  return {
    likely: time(estimate.likely_at, soon),
    between: early === late ? early : `${early} – ${late}`,
    left: span(at(estimate.likely_at) - now()),
  };
}

export const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
