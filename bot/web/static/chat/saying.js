// What the reader says, and how anything gets to the server.
import { banner, toast } from "./telling.js";
import { toEnd } from "./items.js";

const app = document.getElementById("app");
const box = document.getElementById("say");
const csrf = document.querySelector('meta[name="csrf-token"]').content;

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Gives the server's answer; null if there was none, or it was a refusal, which is shown.
export async function post(path, body, type = "application/json") {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": type, Accept: "application/json", [app.dataset.csrfHeader]: csrf },
      body: body instanceof Blob ? body : JSON.stringify(body),
    });
  } catch {
    toast(app.dataset.textUnsent);
    return null;
  }
  const told = await response.json().catch(() => ({}));
  if (response.ok) return told;
  toast(told.error?.message ?? app.dataset.textUnsent);
  if (response.status === 401) banner(told.error?.message ?? "", true);
  return null;
}

export const send = (what, body) => post(`/c/${app.dataset.talk}/${what}`, body);

// The same words get the same id until they have arrived: sent twice, they count once.
let unsent = { text: "", id: "" };

export async function say(text, { about = "" } = {}) {
  const key = `${about} ${text}`;
  if (unsent.text !== key) unsent = { text: key, id: newId() };
  const told = await send("say", { id: unsent.id, text, about });
  if (!told) return false;
  unsent = { text: "", id: "" };
  toEnd();
  return true;
}

function fit() {
  box.style.height = "auto"; // through the object model, which the page's policy allows
  box.style.height = `${box.scrollHeight}px`;
}

// Said before it is sent. It hinders nobody: a command, or an answer that the bot asked for, may be longer than a question.
function measure() {
  const text = box.value.trim();
  const isTooLong = !text.startsWith("/") && [...text].length > Number(app.dataset.mostCharacters);
  document.getElementById("too-long").textContent = isTooLong ? app.dataset.textTooLong : "";
}

export function writing() {
  const form = document.getElementById("composer");
  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text || busy) return;
    busy = true;
    const sent = await say(text);
    busy = false;
    if (sent && box.value.trim() === text) box.value = "";
    fit();
    measure();
    box.focus();
  });
  box.addEventListener("keydown", (event) => {
    // an input method's Enter chooses a word, and sends nothing
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  box.addEventListener("input", () => {
    fit();
    measure();
  });
  measure();
}
