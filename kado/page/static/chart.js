// A chart of signals over time in SVG: lines with what lay between their buckets' ends, limits, lost and unknown time
// shaded, the plan as a strip below. Colours and patterns are classes in chart.css.

import { local, ticks } from "./zone.js";

const NS = "http://www.w3.org/2000/svg";
let charts = 0;
const TOP = 24, BOTTOM = 24, STRIP = 22, SIDE = 56;

function el(name, attributes = {}, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A number as people read it: never a zero with a sign. */
function written(value, digits) {
  return value.toLocaleString("en", { ...digits, signDisplay: "negative" });
}

/** A scale whose ends are round: `{low, high, step, digits}`. */
function roundScale(low, high, parts) {
  if (!(high > low)) { const pad = Math.abs(low) * 0.05 || 1; low -= pad; high += pad; }
  const rough = (high - low) / parts;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((s) => s >= rough * 0.999);
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0)));
  return { low: Math.floor(low / step + 1e-9) * step, high: Math.ceil(high / step - 1e-9) * step, step, digits };
}

export class Chart {
  /**
   * @param {HTMLElement} host
   * @param {{zone: string, height: number, words: Object, onRange?: Function, onPick?: Function}} options
   */
  constructor(host, options) {
    this.host = host;
    this.options = options;
    this.data = null;
    this.clip = `plot-${charts++}`;
    this.svg = el("svg", { class: "chart", focusable: "false" });
    this.readout = document.createElement("p");
    this.readout.className = "readout";
    this.readout.setAttribute("aria-live", "polite");
    host.append(this.svg, this.readout);
    if (options.onRange || options.onPick) this.#listen();
    new ResizeObserver(() => this.draw()).observe(host);
  }

  /**
   * @param {{start: number, end: number, lines: Array, limits?: Array, shading?: Array, plan?: Array, now?: number}} data
   */
  show(data) {
    this.data = data;
    this.draw();
  }

  get #box() {
    const width = Math.max(240, this.host.clientWidth);
    const height = !this.options.grows && this.host.clientHeight > 80 ? this.host.clientHeight : this.options.height;
    const right = this.data?.lines.some((l) => l.axis === "right") ? SIDE : 14;
    const strips = this.data?.strips?.length ?? 0;
    const below = BOTTOM + (this.data?.plan ? STRIP + 4 : 0) + strips * (STRIP + 2);
    return { width, height: height + strips * (STRIP + 2), left: SIDE, right: width - right, top: TOP, bottom: height + strips * (STRIP + 2) - below };
  }

  x(ms, box = this.#box) {
    return box.left + ((ms - this.data.start) / (this.data.end - this.data.start)) * (box.right - box.left);
  }

  time(x, box = this.#box) {
    const share = Math.min(1, Math.max(0, (x - box.left) / (box.right - box.left)));
    return this.data.start + share * (this.data.end - this.data.start);
  }

  draw() {
    const data = this.data;
    if (!data || !this.host.clientWidth) return;
    const box = this.#box;
    this.svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    this.svg.setAttribute("width", box.width);
    this.svg.setAttribute("height", box.height);
    this.scales = {};
    for (const axis of ["left", "right"]) {
      const lines = data.lines.filter((l) => (l.axis ?? "left") === axis);
      if (lines.length) this.scales[axis] = this.#scale(lines, axis, box);
    }
    const layers = [this.#patterns(box), this.#shading(box), this.#grid(box), this.#limits(box), this.#lines(box), this.#plan(box), this.#strips(box), this.#now(box)];
    this.cursor = el("g", { class: "cursor" });
    this.svg.replaceChildren(...layers.filter(Boolean), this.cursor);
    if (this.pointed === undefined) return;
    // What is pointed at is read out again: its values may have come only now.
    if (this.pointed < data.start || this.pointed > data.end) this.unpoint();
    else this.point(this.pointed);
  }

  #scale(lines, axis, box) {
    let low = Infinity, high = -Infinity;
    for (const line of lines) {
      for (let i = 0; i < line.t.length; i += 1) {
        if (line.min[i] < low) low = line.min[i];
        if (line.max[i] > high) high = line.max[i];
      }
      // Noise around 0 is no reason for an axis below it.
      if (line.zero) low = low > -0.02 * high ? 0 : low;
    }
    if (axis === "left") for (const limit of this.data.limits ?? []) if (limit.in) high = Math.max(high, limit.value);
    if (low > high) { low = 0; high = 1; }
    const scale = roundScale(low, high, Math.max(2, Math.floor((box.bottom - box.top) / 48)));
    // What begins at 0 ends a little above what is highest, not at the next round number.
    if (lines.every((line) => line.zero) && low === 0) scale.high = high * 1.07;
    scale.y = (value) => box.bottom - ((value - scale.low) / (scale.high - scale.low)) * (box.bottom - box.top);
    scale.unit = [...new Set(lines.map((l) => l.unit).filter(Boolean))].join(", ");
    return scale;
  }

  #patterns(box) {
    const defs = el("defs");
    const plot = el("clipPath", { id: this.clip });
    plot.append(el("rect", { x: box.left, y: 0, width: box.right - box.left, height: box.height }));
    const hatch = el("pattern", { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    hatch.append(el("rect", { width: 7, height: 7, class: "hatch-ground" }), el("rect", { width: 2.5, height: 7, class: "hatch-line" }));
    const dots = el("pattern", { id: "dots", width: 8, height: 8, patternUnits: "userSpaceOnUse" });
    dots.append(el("rect", { width: 8, height: 8, class: "dots-ground" }), el("circle", { cx: 4, cy: 4, r: 1.3, class: "dots-dot" }));
    defs.append(plot, hatch, dots);
    return defs;
  }

  #shading(box) {
    const group = el("g", { class: "shading" });
    for (const { kind, start, end, label } of this.data.shading ?? []) {
      if (end <= this.data.start || start >= this.data.end) continue;
      const from = Math.max(box.left, this.x(start, box)), to = Math.min(box.right, this.x(end, box));
      const width = Math.max(2, to - from);
      const area = el("g", { class: `shade ${kind}` });
      area.append(el("rect", { class: "area", x: from, y: box.top, width, height: box.bottom - box.top }));
      area.append(el("rect", { class: "edge", x: from, y: box.top - 5, width, height: 5 }));
      area.append(el("title", {}, label ?? kind));
      group.append(area);
    }
    return group;
  }

  #grid(box) {
    const group = el("g", { class: "grid" });
    for (const [axis, scale] of Object.entries(this.scales)) {
      const at = axis === "left" ? box.left - 8 : box.right + 8;
      const anchor = axis === "left" ? "end" : "start";
      for (let value = scale.low; value <= scale.high + scale.step * 1e-6; value += scale.step) {
        const y = scale.y(value);
        if (axis === "left") group.append(el("line", { x1: box.left, x2: box.right, y1: y, y2: y }));
        group.append(el("text", { x: at, y: y + 4, "text-anchor": anchor }, written(value, { minimumFractionDigits: scale.digits, maximumFractionDigits: scale.digits })));
      }
      group.append(el("text", { class: "unit", x: at, y: box.top - 10, "text-anchor": anchor }, scale.unit));
    }
    const most = Math.max(2, Math.floor((box.right - box.left) / 76));
    for (const [ms, text, strong] of ticks(this.options.zone, this.data.start, this.data.end, most)) {
      const x = this.x(ms, box);
      group.append(el("line", { class: strong ? "strong" : "", x1: x, x2: x, y1: box.top, y2: box.bottom }));
      // A label at the right end stays whole.
      const [at, anchor] = x + 3.7 * text.length > box.width ? [box.width, "end"] : [x, "middle"];
      group.append(el("text", { class: strong ? "strong" : "", x: at, y: box.bottom + 16, "text-anchor": anchor }, text));
    }
    group.append(el("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
    return group;
  }

  #limits(box) {
    const scale = this.scales.left;
    if (!scale) return null;
    const group = el("g", { class: "limits" });
    let free = Infinity;
    for (const { value, label, kind } of [...(this.data.limits ?? [])].sort((a, b) => a.value - b.value)) {
      if (value < scale.low || value > scale.high) continue;
      const y = scale.y(value);
      group.append(el("line", { class: kind, x1: box.left, x2: box.right, y1: y, y2: y }));
      if (free - y < 13) continue;
      free = y;
      group.append(el("text", { x: box.left + 6, y: y + (kind === "minimum" || kind === "target" ? -4 : 13) }, label));
    }
    return group;
  }

  #lines(box) {
    const group = el("g", { class: "lines", "clip-path": `url(#${this.clip})` });
    this.data.lines.forEach((line, n) => {
      const scale = this.scales[line.axis ?? "left"];
      const one = el("g", { class: `line line-${(line.color ?? n) % 8}` });
      const { path, band } = this.#paths(line, scale, box);
      if (band) one.append(el("path", { class: "band", d: band }));
      one.append(el("path", { class: "mean", d: path }));
      group.append(one);
    });
    return group;
  }

  #paths(line, scale, box) {
    const { t, mean, min, max, width } = line;
    const gap = Math.max(2.5 * width, line.holds ?? 0);
    const k = (box.right - box.left) / (this.data.end - this.data.start);
    let path = "", band = "", upper = "", lower = "";
    const close = () => { if (lower) band += `M${upper.slice(1)}${lower}Z`; upper = ""; lower = ""; };
    for (let i = 0; i < t.length; i += 1) {
      const at = t[i] + width / 2;
      const x = (box.left + (at - this.data.start) * k).toFixed(1);
      const begins = i === 0 || t[i] - t[i - 1] > gap;
      if (begins) close();
      // A lone sample is a short line: a point that nobody sees is none.
      path += `${begins ? "M" : "L"}${x} ${scale.y(mean[i]).toFixed(1)}`;
      if (begins && (i + 1 === t.length || t[i + 1] - t[i] > gap)) path += "h1.5";
      upper += `L${x} ${scale.y(max[i]).toFixed(1)}`;
      lower = `L${x} ${scale.y(min[i]).toFixed(1)}${lower}`;
    }
    close();
    return { path, band };
  }

  #plan(box) {
    if (!this.data.plan) return null;
    const group = el("g", { class: "plan" });
    const y = box.bottom + BOTTOM;
    group.append(el("rect", { class: "ground", x: box.left, y, width: box.right - box.left, height: STRIP }));
    group.append(el("text", { class: "name", x: box.left - 8, y: y + 15, "text-anchor": "end" }, this.options.words.plan));
    for (const block of this.data.plan) this.#piece(group, block.start, block.end, `plan-${block.category}`, block.label, y, box);
    return group;
  }

  #strips(box) {
    if (!this.data.strips?.length) return null;
    const group = el("g", { class: "strips" });
    this.data.strips.forEach((strip, n) => {
      const y = box.bottom + BOTTOM + (this.data.plan ? STRIP + 4 : 0) + n * (STRIP + 2);
      group.append(el("rect", { class: "ground", x: box.left, y, width: box.right - box.left, height: STRIP }));
      group.append(el("text", { class: "name", x: box.left - 8, y: y + 15, "text-anchor": "end" }, strip.short));
      for (const piece of strip.pieces) this.#piece(group, piece.start, piece.end, `word-${piece.index % 6}`, piece.label, y, box);
    });
    return group;
  }

  #piece(group, start, end, kind, label, y, box) {
    const from = Math.max(box.left, this.x(start, box)), to = Math.min(box.right, this.x(end, box));
    if (to <= from) return;
    const one = el("g", { class: kind });
    one.append(el("rect", { class: "piece", x: from, y, width: Math.max(1, to - from), height: STRIP }), el("title", {}, label));
    if (to - from > label.length * 13 + 10 || (to - from > label.length * 7.5 + 10 && /^[\x00-\x7f]*$/.test(label))) {
      one.append(el("text", { x: (from + to) / 2, y: y + 15, "text-anchor": "middle" }, label));
    }
    group.append(one);
  }

  #now(box) {
    const { now, start, end } = this.data;
    if (!now || now < start || now > end) return null;
    const x = this.x(now, box);
    const group = el("g", { class: "now" });
    group.append(el("line", { x1: x, x2: x, y1: box.top - 6, y2: box.bottom + BOTTOM + (this.data.plan ? STRIP : -BOTTOM) }));
    return group;
  }

  // Pointer and keyboard: a drag chooses a range, a click an instant, the wheel zooms, arrows move.

  #listen() {
    const { host } = this;
    const place = (event) => event.clientX - this.svg.getBoundingClientRect().left;
    let from = null;
    host.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.data) return;
      from = place(event);
      host.setPointerCapture(event.pointerId);
      this.shift = event.shiftKey;
    });
    host.addEventListener("pointermove", (event) => { if (this.data) this.point(this.time(place(event)), from); });
    host.addEventListener("pointerleave", () => { if (from === null) this.unpoint(); });
    host.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const to = place(event);
      const [a, b] = [this.time(Math.min(from, to)), this.time(Math.max(from, to))];
      const moved = Math.abs(to - from);
      const panned = this.time(from) - this.time(to);
      from = null;
      if (moved < 5) this.options.onPick?.(b);
      else if (this.shift) this.options.onRange?.(this.data.start + panned, this.data.end + panned);
      else this.options.onRange?.(a, b);
    });
    host.addEventListener("wheel", (event) => {
      if (!this.options.onRange || !this.data || !(event.ctrlKey || event.metaKey || event.altKey)) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.5 : 1 / 1.5, this.time(place(event)));
    }, { passive: false });
    host.addEventListener("keydown", (event) => this.#key(event));
  }

  zoom(factor, at = (this.data.start + this.data.end) / 2) {
    this.options.onRange?.(at - (at - this.data.start) * factor, at + (this.data.end - at) * factor);
  }

  pan(share) {
    const by = (this.data.end - this.data.start) * share;
    this.options.onRange?.(this.data.start + by, this.data.end + by);
  }

  #key(event) {
    if (!this.data || event.target !== this.host) return;
    const span = this.data.end - this.data.start;
    const step = span / (event.shiftKey ? 20 : 200);
    const at = this.pointed ?? (this.data.start + this.data.end) / 2;
    const done = {
      ArrowLeft: () => this.point(Math.max(this.data.start, at - step)),
      ArrowRight: () => this.point(Math.min(this.data.end, at + step)),
      Enter: () => this.options.onPick?.(at),
      "+": () => this.zoom(1 / 1.5, at), "=": () => this.zoom(1 / 1.5, at), "-": () => this.zoom(1.5, at),
      PageUp: () => this.pan(-0.5), PageDown: () => this.pan(0.5),
      Escape: () => this.unpoint(),
    }[event.key];
    if (!done) return;
    event.preventDefault();
    done();
  }

  /** Show the values at an instant, and the range from where a drag began. */
  point(ms, from = null) {
    const box = this.#box;
    this.pointed = ms;
    const x = this.x(ms, box);
    const parts = [el("line", { x1: x, x2: x, y1: box.top, y2: box.bottom })];
    const values = [];
    this.data.lines.forEach((line, n) => {
      const i = this.#nearest(line, ms);
      if (i < 0) return;
      const scale = this.scales[line.axis ?? "left"];
      parts.push(el("circle", { class: `line-${(line.color ?? n) % 8}`, cx: this.x(line.t[i] + line.width / 2, box), cy: scale.y(line.mean[i]), r: 4 }));
      const text = (v) => written(v, { maximumSignificantDigits: 6 });
      const spread = line.max[i] - line.min[i] > 1e-9 * Math.abs(line.max[i]) ? ` (${text(line.min[i])} – ${text(line.max[i])})` : "";
      values.push(`${line.label} ${text(line.mean[i])}${spread} ${line.unit}`);
    });
    if (from !== null && Math.abs(from - x) >= 5) {
      parts.unshift(el("rect", { class: "chosen", x: Math.min(from, x), y: box.top, width: Math.abs(from - x), height: box.bottom - box.top }));
    }
    this.cursor.replaceChildren(...parts);
    const shade = (this.data.shading ?? []).filter((s) => s.start <= ms && ms < s.end).map((s) => s.label);
    const text = [local(this.options.zone, ms), ...values, ...shade].join("   ");
    if (this.readout.textContent !== text) this.readout.textContent = text;
  }

  unpoint() {
    this.pointed = undefined;
    this.cursor?.replaceChildren();
    this.readout.textContent = "";
  }

  #nearest(line, ms) {
    const { t, width } = line;
    let low = 0, high = t.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (t[middle] <= ms) low = middle; else high = middle - 1;
    }
    if (high < 0) return -1;
    return Math.abs(t[low] + width / 2 - ms) <= Math.max(3 * width, line.holds ?? 0) ? low : -1;
  }
}
