// Record: hints of the form, times taken over from what awaits review, and effects by further definitions.

import "./length.js";

const assertion = document.getElementById("assertion");

function showHint() {
  if (!assertion) return;
  document.getElementById("assertion-hint").textContent = assertion.selectedOptions[0]?.dataset.hint ?? "";
  for (const field of document.querySelectorAll("[data-for]")) {
    field.hidden = field.dataset.for !== assertion.value;
    field.querySelector("input, select").required = !field.hidden;
  }
}

assertion?.addEventListener("change", showHint);
showHint();

function fill(form, start, end) {
  form.elements.start.value = start;
  form.elements.end.value = end;
}

for (const choice of document.querySelectorAll("[data-fills]")) {
  choice.addEventListener("change", () => {
    const [start, end] = choice.value.split("/");
    if (end) fill(document.getElementById(choice.dataset.fills), start, end);
  });
}

for (const button of document.querySelectorAll("[data-take]")) {
  button.addEventListener("click", () => {
    const form = document.getElementById(button.dataset.take);
    fill(form, button.dataset.start, button.dataset.end);
    if (button.dataset.state) {
      form.elements.assertion.value = button.dataset.state;
      showHint();
    }
    form.scrollIntoView({ block: "start" });
    const first = button.dataset.take === "correct" ? form.elements.assertion : form.elements.system;
    first.focus({ preventScroll: true });
  });
}

const preview = document.getElementById("preview");

async function computeOthers() {
  for (const row of document.querySelectorAll("tr[data-definition]")) {
    const asked = new URLSearchParams(new FormData(preview));
    asked.set("definition", row.dataset.definition);
    const cell = row.querySelector("td");
    try {
      const answer = await fetch(preview.dataset.effects, { method: "POST", body: asked });
      const found = await answer.json();
      if (!answer.ok) throw new Error(found.error?.message ?? answer.statusText);
      const head = row.querySelector("th");
      const made = found.rows.map((effect) => filled(head, effect));
      row.replaceWith(...made);
    } catch (error) {
      cell.textContent = String(error.message ?? error);
    }
  }
}

function filled(head, effect) {
  const row = document.createElement("tr");
  row.classList.toggle("changed", effect.changed);
  row.append(head.cloneNode(true));
  for (const name of ["period", "availability", "failures", "bounds", "without", "coverage"]) {
    const cell = row.insertCell();
    cell.className = name === "period" ? "nowrap" : "number";
    cell.textContent = effect[name];
  }
  return row;
}

if (preview) computeOthers();

for (const back of document.querySelectorAll("[data-back]")) {
  back.addEventListener("click", (event) => {
    if (history.length < 2) return;
    // The browser keeps what was entered.
    event.preventDefault();
    history.back();
  });
}
