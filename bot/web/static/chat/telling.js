// Short notes: one that vanishes, one that stays while it is true, and what a screen reader says.
const app = document.getElementById("app");
const SECONDS = 6;

let vanishes;

export function toast(text) {
  const place = document.getElementById("toast");
  clearTimeout(vanishes);
  place.textContent = text;
  vanishes = setTimeout(() => (place.textContent = ""), SECONDS * 1000);
}

export function banner(text, over = false) {
  const place = document.getElementById("banner");
  if (place.textContent.startsWith(text) && place.hidden === !text) return;
  place.textContent = text;
  if (over) {
    const again = document.createElement("a");
    again.href = "/";
    again.textContent = app.dataset.textOver;
    place.append(" ", again);
  }
  place.hidden = !text;
}

export function speak(text) {
  document.getElementById("spoken").textContent = text;
}
