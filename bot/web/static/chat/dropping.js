// Documents that an admin drops on the page, or chooses: each is taken in as with /ingest.
import { newId, post } from "./saying.js";

const app = document.getElementById("app");
const sure = document.getElementById("sure");

// Whoever may add documents adds them for everybody: a slip of the finger must not.
function agreed(files) {
  const names = files.map((file) => file.name).join(", ");
  document.getElementById("sure-what").textContent = sure.dataset.text.replace("{names}", () => names);
  sure.returnValue = "";
  sure.showModal();
  return new Promise((resolve) => {
    sure.addEventListener("close", () => resolve(sure.returnValue === "add"), { once: true });
  });
}

async function take(files) {
  if (files.length === 0 || sure.open || !(await agreed(files))) return;
  for (const file of files) {
    const asked = new URLSearchParams({ id: newId(), name: file.name });
    if (!(await post(`/c/${app.dataset.talk}/file?${asked}`, file, "application/octet-stream"))) return;
  }
}

export function dropping() {
  const add = document.getElementById("add");
  if (!add) return;
  const input = document.getElementById("files");
  add.addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    const files = [...input.files];
    input.value = ""; // the same one may be chosen again
    await take(files);
  });
  const main = document.querySelector("main");
  const mark = (isOver) => main.classList.toggle("dropping", isOver);
  main.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  main.addEventListener("dragleave", () => mark(false));
  main.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    take([...event.dataTransfer.files]);
  });
}
