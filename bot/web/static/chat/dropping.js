// Documents that an admin drops on the page, or chooses: each is taken in as with /ingest.
import { newId, post } from "./saying.js";

const app = document.getElementById("app");

async function take(files) {
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
    await take([...input.files]);
    input.value = "";
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
