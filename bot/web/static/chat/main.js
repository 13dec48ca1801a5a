// The chat page: puts its parts together.
import { dropping } from "./dropping.js";
import { follow } from "./feed.js";
import { say, send, writing } from "./saying.js";
import { pressing } from "./pressing.js";
import { settings } from "./settings.js";
import { openPassage, toEnd } from "./items.js";

const app = document.getElementById("app");

writing();
pressing();
dropping();
settings();
follow(app.dataset);
toEnd();

// Example questions, and "why?" under an answer, are said like anything else.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.say) say(button.dataset.say);
  if (button.dataset.about) say("/why", { about: button.dataset.about });
  if (button.dataset.stop) {
    button.disabled = true;
    send("stop", { event: button.dataset.stop });
  }
  if (button.dataset.opens) openPassage(button);
});

// A dialog is left by a press beside it, too.
document.addEventListener("click", (event) => {
  if (event.target.matches("dialog[open]")) event.target.close();
});
