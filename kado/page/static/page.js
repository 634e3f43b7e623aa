// What every view does: keep the texts of the stream current, and say when the connection to kado is lost.

import { Stream } from "./stream.js";

const body = document.body;

/** Put one message of the stream into the page: fragments first, since they hold places for texts. */
export function apply(message, root = document) {
  for (const [slot, html] of Object.entries(message.fragments ?? {})) {
    for (const place of root.querySelectorAll(`[data-fragment="${slot}"]`)) place.innerHTML = html;
  }
  Object.assign(texts, message.texts);
  Object.assign(states, message.states);
  const refill = Object.keys(message.fragments ?? {}).length > 0;
  put(root, "live", refill ? texts : message.texts, (place, text) => {
    if (place.textContent !== text) place.textContent = text;
  });
  put(root, "stateOf", refill ? states : message.states, (place, state) => { place.dataset.state = state; });
  put(root, "old", refill ? states : message.states, (place, state) => { place.classList.toggle("is-old", state === "old"); });
  put(root, "shown", refill ? states : message.states, (place, state) => { place.hidden = state !== "shown"; });
  put(root, "meter", refill ? states : message.states, (place, share) => { place.setAttribute("width", (1000 * share).toFixed(1)); });
}

const texts = {};
const states = {};

function put(root, name, values, change) {
  if (!values) return;
  const attribute = "data-" + name.replace(/[A-Z]/g, (c) => "-" + c.toLowerCase());
  for (const place of root.querySelectorAll(`[${attribute}]`)) {
    const slot = place.dataset[name];
    if (slot in values) change(place, values[slot]);
  }
}

const connection = document.getElementById("connection");
const lostText = connection?.querySelector("span")?.textContent ?? "";

function connected(yes, sinceMs) {
  document.documentElement.classList.toggle("connection-lost", !yes);
  if (!connection) return;
  if (!yes) {
    const time = new Date(sinceMs).toTimeString().slice(0, 8);
    connection.querySelector("span").textContent = lostText.replace("{time}", time);
  }
  connection.hidden = yes;
}

function ended() {
  connected(true);
  document.documentElement.classList.add("connection-lost");
  const place = document.getElementById("ended");
  if (place) place.hidden = false;
}

/** The one stream of this page; views listen to it with `stream.on(kind, handler)`. */
export const stream = new Stream(body.dataset.stream, connected, ended);

stream.on("hello", (message) => {
  // Another version of kado answers: its page may look otherwise.
  if (message.version !== body.dataset.version) location.reload();
});
stream.on("shown", (message) => apply(message));
stream.start();

/** So long a form that was sent is not sent again, ms: a double click writes once. */
const AGAIN_MS = 5000;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (Date.now() - Number(form.dataset.sentMs ?? -AGAIN_MS) < AGAIN_MS) event.preventDefault();
  else form.dataset.sentMs = String(Date.now());
});
