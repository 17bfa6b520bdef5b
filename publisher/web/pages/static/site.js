// Copy buttons, and a page that keeps up: every few seconds the parts marked data-live are fetched anew.
"use strict";

const EVERY = 5000;

function copied(button) {
  const label = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = label; }, 1600);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const text = "copyFrom" in button.dataset
    ? button.parentElement.querySelector("code").textContent
    : button.dataset.copy;
  navigator.clipboard.writeText(text).then(() => copied(button), () => {});
});

// A picture that its site no longer has leaves no hole.
function drop(image) {
  const holder = image.closest("figure, .shot");
  if (!holder) return;
  holder.parentElement.classList.remove("lead--pictured");
  holder.remove();
}

document.addEventListener("error", (event) => {
  if (event.target.tagName === "IMG") drop(event.target);
}, true);

function reveal() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
}

function replace(part, fresh) {
  if (part.innerHTML === fresh.innerHTML || part.contains(document.activeElement)) return;
  const before = new Map([...part.querySelectorAll("data")].map((cell) => [cell.value, cell.textContent]));
  part.replaceChildren(...fresh.childNodes);
  for (const cell of part.querySelectorAll("data")) {
    if (before.has(cell.value) && before.get(cell.value) !== cell.textContent) cell.classList.add("moved");
  }
}

async function keepUp() {
  if (!document.hidden) {
    try {
      const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      if (response.ok) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        for (const fresh of page.querySelectorAll("[data-live]")) {
          const part = document.getElementById(fresh.id);
          if (part) replace(part, fresh);
        }
      }
    } catch {
      // Offline, or the publisher restarts: the next turn tries again.
    }
  }
  setTimeout(keepUp, EVERY);
}

reveal();
for (const image of document.images) {
  if (image.complete && !image.naturalWidth) drop(image);
}
if (document.querySelector("[data-live]")) setTimeout(keepUp, EVERY);
