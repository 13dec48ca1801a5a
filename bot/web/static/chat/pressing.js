// Buttons under answers, and the form that some of them open.
import { showNote } from "./items.js";
import { newId, send } from "./saying.js";
import { speak, toast } from "./telling.js";

const dialog = document.getElementById("ask");
const text = document.getElementById("ask-text");

async function press(data, menu, written = "") {
  const told = await send("press", { id: newId(), data, menu, text: written });
  if (!told) return false;
  toast(told.toast);
  if (told.spoken) speak(told.spoken);
  if (told.note) showNote({ html: told.note });
  if (told.ask) ask(told.ask);
  return true;
}

function ask({ label, value, data, menu }) {
  document.getElementById("ask-label").textContent = label;
  text.value = value;
  toast("");
  dialog.returnValue = "";
  dialog.onclose = async () => {
    const written = text.value.trim();
    if (dialog.returnValue !== "send" || !written) return;
    if (!(await press(data, menu, written))) ask({ label, value: written, data, menu });
  };
  dialog.showModal();
  text.focus();
}

export function pressing() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-press]");
    if (!button || button.ariaDisabled === "true") return;
    button.ariaDisabled = "true"; // not `disabled`, which would take the focus away
    await press(button.dataset.press, button.closest("[data-menu]")?.dataset.menu ?? "");
    button.ariaDisabled = null;
  });
}
