// The chart of an explanation: samples around an instant, limits in force, the interval that was decided.

import { Chart } from "./chart.js";

export async function drawExplained(root) {
  const host = root.querySelector("[data-explain-chart]");
  if (!host) return;
  const d = host.dataset;
  const query = new URLSearchParams({ signal: d.signal, start: d.start, end: d.end, count: "1500" });
  const answer = await fetch(`/api/v1/buckets?${query}`);
  if (!answer.ok) return;
  const found = await answer.json();
  const line = { label: found.label[document.documentElement.lang], unit: found.unit, zero: true, holds: found.holds_ms, t: found.start_ms, mean: found.mean, min: found.min, max: found.max, width: found.width_ms };
  const kind = { no_beam: "no_beam", low_beam: "low_beam", unknown: "unknown" }[d.account];
  const shading = kind ? [{ kind, start: Date.parse(d.intervalStart), end: Date.parse(d.intervalEnd), label: kind }] : [];
  const chart = new Chart(host, { zone: d.zone, height: 210, words: JSON.parse(d.words) });
  chart.show({ start: Date.parse(d.start), end: Date.parse(d.end), lines: [line], limits: JSON.parse(d.limits), shading, now: Date.parse(d.at) });
}

if (document.querySelector(".explained.alone")) drawExplained(document);
