// Language, colours, and the side of the page on a narrow screen.
import { post } from "./saying.js";

export function settings() {
  const language = document.getElementById("language");
  language.addEventListener("change", async () => {
    if (await post("/language", { language: language.value })) location.reload();
  });

  const theme = document.getElementById("theme");
  theme.value = document.documentElement.dataset.theme ?? "";
  theme.addEventListener("change", () => {
    if (theme.value) document.documentElement.dataset.theme = theme.value;
    else delete document.documentElement.dataset.theme;
    try {
      localStorage.setItem("theme", theme.value);
    } catch {
      // it holds for this page
    }
  });

  const menu = document.getElementById("menu");
  const side = document.getElementById("side");
  const open = (isOpen) => {
    menu.setAttribute("aria-expanded", String(isOpen));
    side.classList.toggle("open", isOpen);
    if (isOpen) side.querySelector("a").focus();
  };
  menu.addEventListener("click", () => open(!side.classList.contains("open")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !side.classList.contains("open")) return;
    open(false);
    menu.focus();
  });
  document.querySelector("main").addEventListener("click", (event) => {
    if (!event.target.closest("#menu")) open(false);
  });
}
