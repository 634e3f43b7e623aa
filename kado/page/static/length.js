// Fields with a limit: the browser says when a text is too long, and cuts nothing of what is pasted.

function check(field) {
  // As kado counts: characters, not halves of them.
  const length = [...field.value].length;
  const tooLong = length > Number(field.dataset.longest);
  const thousands = length.toLocaleString("en");
  field.setCustomValidity(tooLong ? field.dataset.tooLong.replace("{n}", thousands) : "");
}

for (const field of document.querySelectorAll("[data-longest]")) {
  field.addEventListener("input", () => check(field));
  check(field);
}
