// The view Now: the chart of the last 24 hours, kept current by the stream.

import { Chart } from "./chart.js";
import { stream } from "./page.js";

const H = 3_600_000;
const host = document.getElementById("day-chart");
const words = JSON.parse(host.dataset.words);
const zone = host.dataset.zone;
const chart = new Chart(host, { zone, height: 270, words });
const wall = document.body.classList.contains("wall");
const AHEAD = (wall ? 2 : 3) * H;
const state = { line: null, fresh: [], shading: [], plan: [], limits: [], now: Date.now() };

/** Buckets of the last day; what is newer comes with the stream. */
async function load() {
  const count = Math.min(2000, Math.max(300, Math.round(host.clientWidth)));
  const end = Date.now();
  const query = new URLSearchParams({ signal: host.dataset.signal, start: new Date(end - 24 * H).toISOString(), end: new Date(end).toISOString(), count });
  const answer = await fetch(`/api/v1/buckets?${query}`);
  if (!answer.ok) return;
  const found = await answer.json();
  state.line = { id: found.signal, label: found.label[document.documentElement.lang], unit: found.unit, zero: true, holds: found.holds_ms,
    t: found.start_ms, mean: found.mean, min: found.min, max: found.max, width: found.width_ms };
  state.fresh = [];
  draw();
  performance.mark("chart");
}

async function situation() {
  const answer = await fetch("/api/v1/now");
  if (answer.ok) take(await answer.json());
  draw();
}

function take(document_) {
  const time = (text) => Date.parse(text);
  const spans = (kind) => (document_.recent?.[kind] ?? []).map(([a, b]) => ({ kind, start: time(a), end: time(b), label: words[kind] }));
  state.shading = [...spans("unknown"), ...spans("low_beam"), ...spans("no_beam")];
  state.plan = document_.plan.blocks.map((b) => ({ category: b.category, label: [words.categories[b.category], ...b.tags].join(" "), start: time(b.start), end: time(b.end) }));
  const limits = document_.delivery.limits ?? {};
  state.limits = ["minimum", "tolerance", "nominal"].filter((k) => limits[k]).map((kind) => ({ kind, value: limits[kind], label: words[kind] }));
  if (document_.delivery.target) state.limits.push({ kind: "target", value: document_.delivery.target, label: words.target, in: true });
  state.now = time(document_.time);
}

function draw() {
  if (!state.line) return;
  const line = { ...state.line };
  if (state.fresh.length) {
    const add = (key, pick) => { line[key] = [...line[key], ...state.fresh.map(pick)]; };
    add("t", ([ms]) => ms);
    for (const key of ["mean", "min", "max"]) add(key, ([, value]) => value);
  }
  chart.show({ start: state.now - 24 * H, end: state.now + AHEAD, now: state.now, lines: [line], limits: state.limits, shading: state.shading, plan: state.plan });
}

stream.on("values", ({ texts, sample }) => {
  for (const [slot, text] of Object.entries(texts)) {
    for (const place of document.querySelectorAll(`[data-live="${slot}"]`)) if (place.textContent !== text) place.textContent = text;
  }
  if (sample && sample[1] !== null && state.line) {
    const last = state.fresh.at(-1);
    // A pixel of the chart is over a minute: one point in 20 s is enough of what is new.
    if (!last || sample[0] - last[0] >= 20_000) state.fresh.push(sample); else state.fresh[state.fresh.length - 1] = [last[0], sample[1]];
    state.now = Math.max(state.now, sample[0]);
  }
});

situation();
load();
setInterval(draw, 5_000);
setInterval(situation, 15_000);
setInterval(load, 120_000);
