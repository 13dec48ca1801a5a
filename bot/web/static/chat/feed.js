// Keeps the page in step with the conversation: server-sent events, from where it left off.
import { grow, keepOnly, showItem, showLine, showNote } from "./items.js";
import { banner } from "./telling.js";

const HIDDEN_SECONDS = 20; // a page nobody sees gives its connection back: browsers have few for one server
const RETRY_SECONDS = 3;

export function follow({ talk, digest, limit, textOffline }) {
  let source = null;
  let known = digest;
  let isOver = false;
  let failures = 0;
  let listed = document.querySelector('#talks a[aria-current="page"]') !== null;
  let hides;

  async function list() {
    const response = await fetch(`/c/${talk}/talks`, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!response?.ok) return;
    document.getElementById("talks").innerHTML = await response.text();
    listed = document.querySelector('#talks a[aria-current="page"]') !== null;
  }

  function open() {
    if (source || isOver) return;
    source = new EventSource(`/c/${talk}/events?${new URLSearchParams({ known, limit })}`);
    const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
    source.addEventListener("open", () => {
      failures = 0;
      banner("");
    });
    source.addEventListener("state", (event) => {
      known = event.lastEventId;
      if (!listed) list();
    });
    source.addEventListener("error", lost);
    on("item", showItem);
    on("whole", ({ keys }) => keepOnly(keys));
    on("grow", grow);
    on("line", showLine);
    on("note", showNote);
    on("bye", ({ text, forgotten }) => {
      if (forgotten) document.getElementById("talks").replaceChildren();
      end(text);
    });
  }

  function close() {
    source?.close();
    source = null;
  }

  // The browser would try again by itself, but not after every kind of failure. The first time at once, or nearly, since
  // a server that reads its settings again lets all pages go at the same moment.
  function lost() {
    close();
    if (isOver) return;
    if (failures > 0) banner(textOffline);
    const seconds = failures === 0 ? Math.random() : RETRY_SECONDS + Math.random();
    failures += 1;
    setTimeout(again, seconds * 1000);
  }

  async function again() {
    const response = await fetch(`/c/${talk}/talks`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (response?.status === 401) {
      const told = await response.json().catch(() => ({}));
      end(told.error?.message ?? "");
    } else if (response) open();
    else lost();
  }

  function end(text) {
    isOver = true;
    close();
    banner(text, true);
    document.getElementById("say").disabled = true;
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hides);
    if (document.hidden) hides = setTimeout(close, HIDDEN_SECONDS * 1000);
    else open();
  });
  addEventListener("online", open);
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}
