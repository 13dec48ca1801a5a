// What the dashboard's pages do besides what htmx does. Everything works without it, less smoothly.
"use strict";

// A request of htmx that was refused: say why, where flash messages stand.
document.addEventListener("htmx:responseError", (event) => {
  const { status, responseText } = event.detail.xhr;
  // what asks every second would be refused every second
  if (status === 401 || (status === 403 && event.detail.elt.matches("[hx-trigger^=every]"))) {
    location.reload();
    return;
  }
  let sentence = responseText;
  try {
    sentence = JSON.parse(responseText).error.message;
  } catch {
    // a page, or nothing: shown as it came
  }
  tell(sentence);
});

document.addEventListener("htmx:sendError", () => tell(document.getElementById("told").dataset.offline));

function tell(sentence) {
  const line = document.createElement("p");
  line.className = "flash bad";
  line.textContent = sentence;
  document.getElementById("told").replaceChildren(line);
}

// What is shown once is selected where it is touched, and copied by a button where the browser lets a page do that.
for (const line of document.querySelectorAll(".once")) {
  const [field, button] = [line.querySelector("input"), line.querySelector("button")];
  field.addEventListener("focus", () => field.select());
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    field.focus();
    await navigator.clipboard.writeText(field.value);
    button.textContent = button.dataset.copied;
  });
}

// Escape closes a question that was opened.
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest("details.sure[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// What was opened to write in is closed by a button too; what was written stays in it.
for (const button of document.querySelectorAll(".closes")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = button.closest("details");
    open.open = false;
    open.querySelector("summary").focus();
  });
}

// Files can be dropped on the field that takes them.
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const zone = event.target.closest && event.target.closest(".drop");
    if (!zone) return;
    event.preventDefault();
    zone.classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name !== "drop" || !event.dataTransfer.files.length) return;
    const field = zone.querySelector("input[type=file]");
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// On a narrow screen the way to the page that is open is brought into view.
document.querySelector("#ways [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
