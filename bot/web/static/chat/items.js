// The pieces of the conversation on the page. Their HTML comes from the server, ready to be shown.
import { speak } from "./telling.js";

const app = document.getElementById("app");
const items = document.getElementById("items");
const scroll = document.getElementById("scroll");
const NEAR = 120; // pixels from the end at which the reader still follows it

const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;

export function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
}

function keepingEnd(change) {
  const follows = isAtEnd();
  change();
  if (follows) toEnd();
}

let opener = 0; // which of the buttons that open the same passage opened it
const openers = (element, id) => [...element.querySelectorAll(`[data-opens="${CSS.escape(id)}"]`)];

export function openPassage(button) {
  opener = openers(button.closest(".item"), button.dataset.opens).indexOf(button);
  document.getElementById(button.dataset.opens)?.showModal();
}

// What had the focus is found again in new HTML: by what it does, else the first button in its place. A passage that was
// open is opened again from its own button, to which the focus goes back when it is closed.
function refocusing(element, change) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const open = element.querySelector("dialog[open]")?.id;
  const { press, opens } = focused?.dataset ?? {};
  const inActs = focused?.closest(".acts") !== null;
  change();
  const passage = open ? document.getElementById(open) : null;
  if (passage) {
    openers(element, open)[opener]?.focus();
    passage.showModal();
  }
  if (!focused || passage) return;
  const same = [...element.querySelectorAll("button")].find(
    (one) => (press && one.dataset.press === press) || (opens && one.dataset.opens === opens),
  );
  (same ?? (inActs ? element.querySelector(".acts button") : null) ?? document.getElementById("say")).focus();
}

export function showItem({ key, html, version, after }) {
  let item = document.getElementById(key);
  if (item?.dataset.version === version) return;
  keepingEnd(() => {
    const isNew = !item;
    if (isNew) {
      item = document.createElement("div");
      item.className = "item";
      item.id = key;
    }
    const before = after ? document.getElementById(after) : null;
    if (isNew && before) before.after(item);
    else if (isNew && after === "") items.prepend(item);
    else if (isNew) items.append(item);
    const waited = item.querySelector("[aria-busy]") !== null;
    refocusing(item, () => (item.innerHTML = html));
    item.dataset.version = version;
    const waits = item.querySelector("[aria-busy]") !== null;
    if (waits && !waited) speak(app.dataset.textThinking);
    else if (!waits && (waited || isNew)) speak(item.querySelector(".body")?.innerText ?? "");
  });
}

export function keepOnly(keys) {
  const wanted = new Set(keys);
  for (const item of [...items.querySelectorAll(":scope > .item")]) {
    if (!wanted.has(item.id) && !item.dataset.note) item.remove();
  }
}

export function grow({ id, html }) {
  const body = document.getElementById(id)?.querySelector(".body");
  if (!body) return;
  keepingEnd(() => refocusing(body, () => (body.innerHTML = html)));
  body.closest(".item").dataset.version = ""; // whatever comes next takes its place
  showLine({ key: body.closest(".item").id, text: "" });
}

export function showLine({ key, text }) {
  const line = document.getElementById(key)?.querySelector(".line");
  if (!line || line.textContent === text) return;
  line.textContent = text;
  if (text) speak(text);
}

// Said to whoever reads now; it is in no store, and gone when the page is loaded again.
export function showNote({ html }) {
  keepingEnd(() => {
    const item = document.createElement("div");
    item.className = "item";
    item.dataset.note = "1";
    item.innerHTML = html;
    items.append(item);
    speak(item.innerText);
  });
  toEnd();
}
