// The view History: signals over a period, zoomed and moved; events; the explanation of an instant.

import { Chart } from "./chart.js";
import { drawExplained } from "./explain.js";
import { iso, local } from "./zone.js";
import "./page.js";

const host = document.getElementById("chart");
const words = JSON.parse(host.dataset.words);
const { zone, delivery } = host.dataset;
const lang = document.documentElement.lang;
const panel = document.getElementById("explained");
const chooser = document.getElementById("chooser");
const SHORTEST = 2_000;

let range = { start: Date.parse(host.dataset.start), end: Date.parse(host.dataset.end) };
let period = new URLSearchParams(location.search).get("period") ?? "";
const before = [];
let lines = [], strips = [], shading = [], plan = null;
let asked = 0;

const HEIGHT = innerWidth < 720 ? 280 : 380;
const chart = new Chart(host, { zone, height: HEIGHT, grows: true, words, onRange: choose, onPick: (ms) => explain(iso(zone, ms)) });

function chosen() {
  const all = [...chooser.querySelectorAll('input[name="signal"]:checked')];
  const right = new Set([...chooser.querySelectorAll('input[name="right"]:checked')].map((i) => i.value));
  return {
    numbers: all.filter((i) => !("state" in i.dataset)).map((i) => ({ id: i.value, axis: right.has(i.value) ? "right" : "left" })),
    states: all.filter((i) => "state" in i.dataset).map((i) => i.value),
  };
}

/** Show another range; the one before is kept for Back. */
function choose(start, end, remember = true) {
  if (end - start < SHORTEST) { const middle = (start + end) / 2; start = middle - SHORTEST / 2; end = middle + SHORTEST / 2; }
  if (remember) before.push(range);
  range = { start: Math.round(start), end: Math.round(end) };
  period = "";
  load();
}

async function json(path, options) {
  const answer = await fetch(`/api/v1/${path}?${new URLSearchParams(options)}`);
  const document_ = await answer.json();
  if (!answer.ok) throw new Error(document_.error?.message ?? answer.statusText);
  return document_;
}

/** A label for the room beside a strip. */
function short(label) {
  const room = /^[\x00-\x7f]*$/.test(label) ? 6 : 4;
  return label.length > room ? `${label.slice(0, room - 1)}…` : label;
}

function span() {
  return { start: new Date(range.start).toISOString(), end: new Date(range.end).toISOString() };
}

let later = 0;

async function load() {
  const turn = ++asked;
  document.querySelector('[data-do="back"]').disabled = before.length === 0;
  document.getElementById("shown-period").textContent = `${local(zone, range.start).slice(0, 16)} – ${local(zone, range.end).slice(0, 16)}`;
  address();
  draw();  // mouse and keys act on the range that is shown, whether its lines are there or not
  const { numbers, states } = chosen();
  const count = String(Math.min(2000, Math.max(300, Math.round(host.clientWidth * 1.2))));
  try {
    const found = await Promise.all(numbers.map(({ id }) => json("buckets", { signal: id, ...span(), count })));
    const words_ = await Promise.all(states.map((id) => json("states", { signal: id, ...span() })));
    if (turn !== asked) return;
    lines = found.map((b, n) => ({ id: b.signal, label: b.label[lang], unit: b.unit, axis: numbers[n].axis, zero: b.signal === delivery, color: n, holds: b.holds_ms,
      t: b.start_ms, mean: b.mean, min: b.min, max: b.max, width: b.width_ms }));
    strips = words_.map((s) => ({ short: short(s.label[lang]), pieces: s.stretches.map((p) => ({ start: p.start_ms, end: p.end_ms, label: words.categories[p.word] ?? p.word, index: s.words.indexOf(p.word) })) }));
    trouble("");
  } catch (error) {
    trouble(error.message);
  }
  if (turn !== asked) return;
  keys();
  draw();
  performance.mark("chart");
  clearTimeout(later);
  later = setTimeout(() => details(turn), 250);
}

/** What takes longer: lost time, plan, events. */
async function details(turn) {
  const name = period || `${iso(zone, range.start)}/${iso(zone, Math.min(range.end, Date.now()))}`;
  const list = document.getElementById("events-list");
  list.setAttribute("aria-busy", "true");
  json("schedule", { period: name }).then((found) => {
    if (turn !== asked) return;
    plan = found.blocks.map((b) => ({ category: b.category, label: [words.categories[b.category], ...b.tags].join(" "), start: Date.parse(b.start), end: Date.parse(b.end) }));
    draw();
  }).catch(() => {});
  const answer = await fetch(`/history/events?${new URLSearchParams({ period: name })}`);
  if (turn !== asked) return;
  const html = await answer.text();
  if (answer.ok) list.innerHTML = html;
  else list.textContent = new DOMParser().parseFromString(html, "text/html").querySelector(".refusal p")?.textContent ?? answer.statusText;
  list.removeAttribute("aria-busy");
  try {
    const lost = await json("lost-time", { period: name });
    if (turn !== asked) return;
    shading = ["unknown", "low_beam", "no_beam"].flatMap((kind) => lost[kind].map(([a, b]) => ({ kind, start: Date.parse(a), end: Date.parse(b), label: words[kind] })));
  } catch { shading = []; }
  draw();
  performance.mark("details");
}

function draw() {
  chart.show({ ...range, now: Date.now(), lines, strips, shading, plan });
}

function keys() {
  document.getElementById("keys").replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.innerHTML = `<svg class="key line-${line.color % 8}" viewBox="0 0 26 8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4"></line></svg>`;
    item.append(`${line.label}${line.unit ? ` (${line.unit})` : ""}${line.axis === "right" ? " ▸" : ""}`);
    return item;
  }));
}

function trouble(text) {
  const place = document.getElementById("trouble");
  place.textContent = text;
  place.hidden = !text;
}

/** The address shows the same again, here or elsewhere. */
function address() {
  const query = new URLSearchParams();
  if (period) query.set("period", period);
  else { query.set("start", iso(zone, range.start)); query.set("end", iso(zone, range.end)); }
  const { numbers, states } = chosen();
  for (const { id, axis } of numbers) { query.append("signal", id); if (axis === "right") query.append("right", id); }
  for (const id of states) query.append("signal", id);
  history.replaceState(null, "", `/history?${query}`);
}

let definition = "";

async function explain(at, row) {
  const about = { at, part: "1", ...(definition && { definition }) };
  const answer = await fetch(`/explain?${new URLSearchParams(about)}`);
  const html = await answer.text();
  if (answer.ok) panel.innerHTML = html;
  else {
    const text = new DOMParser().parseFromString(html, "text/html").querySelector(".refusal p")?.textContent ?? answer.statusText;
    panel.replaceChildren(Object.assign(document.createElement("p"), { className: "notice bad", textContent: text }));
  }
  panel.hidden = false;
  for (const other of document.querySelectorAll(".events tr.chosen")) other.classList.remove("chosen");
  row?.classList.add("chosen");
  await drawExplained(panel);
  panel.querySelector("button")?.focus({ preventScroll: true });
}

panel.addEventListener("click", (event) => {
  if (!event.target.closest('[data-do="close"]')) return;
  panel.hidden = true;
  host.focus({ preventScroll: true });
});

async function define(form) {
  definition = form.elements.definition.value;
  await explain(form.elements.at.value, document.querySelector(".events tr.chosen"));
  panel.querySelector("select")?.focus({ preventScroll: true });
}

panel.addEventListener("change", (event) => { if (event.target.form?.dataset.do === "define") define(event.target.form); });
panel.addEventListener("submit", (event) => {
  event.preventDefault();
  define(event.target);
});

document.getElementById("events-list").addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-start]");
  if (!row) return;
  event.preventDefault();
  explain(row.dataset.start, row);
});

for (const button of document.querySelectorAll("button[data-do]")) {
  button.addEventListener("click", () => {
    const length = range.end - range.start, middle = range.start + length / 2;
    ({
      earlier: () => choose(range.start - length / 2, range.end - length / 2),
      later: () => choose(range.start + length / 2, range.end + length / 2),
      in: () => choose(middle - length / 4, middle + length / 4),
      out: () => choose(middle - length, middle + length),
      back: () => { range = before.pop(); period = ""; load(); },
    })[button.dataset.do]?.();
  });
}

for (const link of document.querySelectorAll("a[data-last]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    choose(Date.now() - 1000 * Number(link.dataset.last), Date.now());
  });
}

chooser.addEventListener("change", (event) => {
  const all = chooser.querySelectorAll('input[name="signal"]:checked');
  if (all.length > Number(chooser.dataset.most)) event.target.checked = false;
  load();
});

load();
