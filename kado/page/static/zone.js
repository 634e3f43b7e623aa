// Times of the facility's zone, whatever the zone of the browser: ticks of axes, texts.

const formats = new Map();

function parts(zone, ms) {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, hourCycle: "h23",
      year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(ms).map((part) => [part.type, part.value]));
}

/** Milliseconds by which clocks of the zone are ahead of UTC at an instant. */
export function offset(zone, ms) {
  const p = parts(zone, ms);
  return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - Math.floor(ms / 1000) * 1000;
}

/** `2026-11-26 12:16:31` in the zone. */
export function local(zone, ms) {
  const p = parts(zone, ms);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
}

/** ISO 8601 with the zone's offset, as kado reads times. */
export function iso(zone, ms) {
  const minutes = offset(zone, ms) / 60_000;
  const sign = minutes < 0 ? "-" : "+";
  const two = (n) => String(Math.floor(Math.abs(n))).padStart(2, "0");
  return `${local(zone, ms).replace(" ", "T")}${sign}${two(minutes / 60)}:${two(Math.abs(minutes) % 60)}`;
}

const S = 1000, MIN = 60 * S, H = 60 * MIN, D = 24 * H;
const STEPS = [S, 2 * S, 5 * S, 10 * S, 15 * S, 30 * S, MIN, 2 * MIN, 5 * MIN, 10 * MIN, 15 * MIN, 30 * MIN, H, 2 * H, 3 * H, 6 * H, 12 * H, D, 2 * D, 7 * D];

/** Ticks of a time axis: `[ms, text, strong]`, at most about `most`; a strong one begins a day, or a year. */
export function ticks(zone, start, end, most) {
  const step = STEPS.find((s) => (end - start) / s <= most);
  if (!step) return months(zone, start, end, most);
  const found = [];
  let at = start + offset(zone, start);
  for (at = Math.ceil(at / step) * step; ; at += step) {
    const ms = at - offset(zone, at - offset(zone, start));
    if (ms > end) break;
    if (ms < start) continue;
    const text = local(zone, ms);
    const midnight = text.endsWith("00:00:00");
    found.push([ms, step >= D || midnight ? text.slice(5, 10) : step < MIN ? text.slice(11) : text.slice(11, 16), midnight]);
  }
  return found;
}

function months(zone, start, end, most) {
  const by = [1, 3, 6, 12, 60].find((n) => (end - start) / (n * 30 * D) <= most) ?? 120;
  const p = parts(zone, start);
  const found = [];
  for (let n = Math.ceil((Number(p.year) * 12 + Number(p.month) - 1) / by) * by; ; n += by) {
    const year = Math.floor(n / 12), month = n % 12;
    const utc = Date.UTC(year, month, 1);
    const ms = utc - offset(zone, utc);
    if (ms > end) break;
    if (ms < start) continue;
    found.push([ms, month === 0 || by >= 12 ? String(year) : `${year}-${String(month + 1).padStart(2, "0")}`, month === 0]);
  }
  return found;
}
