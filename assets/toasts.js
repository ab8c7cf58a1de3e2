// What comes while the page is open shows up for a moment: critical messages until they are
// dismissed, at most a few at a time. Those that find no room are in the bell's panel.
(function () {
  "use strict";
  const MOST = 4;
  const FEW = 2; // on a phone, where they hide what they are about
  const LASTS = 12000; // ms
  const AGAIN = 2000; // ms until one that is being read is looked at again
  const health = (window.healthdeck = window.healthdeck || {});
  const phone = window.matchMedia("(max-width: 700px)");
  const toasts = new Map(); // {element, lasting} by the message's id, oldest first
  let left = 0; // out for want of room

  const stack = () => document.getElementById("bell-toasts");

  function remove(id) {
    const toast = toasts.get(id);
    if (!toast) return;
    toasts.delete(id);
    toast.element.remove();
    if (!toasts.size) left = 0;
    drawLeft();
  }

  function drawLeft() {
    const rest = stack().querySelector(".toast-rest");
    if (rest) rest.remove();
    if (!left) return;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "chip toast-rest", textContent: `${left} more in the bell` });
    stack().append(button);
  }

  function room() {
    if (toasts.size < (phone.matches ? FEW : MOST)) return true;
    const passing = [...toasts].find(([, toast]) => !toast.lasting);
    if (passing) remove(passing[0]);
    return Boolean(passing);
  }

  function expire(id) {
    const toast = toasts.get(id);
    if (!toast) return;
    if (toast.element.matches(":hover, :focus-within")) window.setTimeout(expire, AGAIN, id);
    else remove(id);
  }

  function dismissal(message) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "btn-close" });
    button.setAttribute("aria-label", `Dismiss ${message.title}`);
    button.addEventListener("click", () => {
      remove(message.id);
      health.messages.read(message.id);
    });
    return button;
  }

  function add(message) {
    if (toasts.has(message.id)) return;
    if (!room()) {
      left += 1;
      return drawLeft();
    }
    const element = document.createElement("div");
    element.className = `message-toast is-${health.bell.tone(message)}`;
    element.append(...health.bell.describe(message), dismissal(message));
    const lasting = message.severity === "critical";
    toasts.set(message.id, { element, lasting });
    stack().append(element);
    if (!lasting) window.setTimeout(expire, LASTS, message.id);
    drawLeft();
  }

  // What was read, here or in another tab, need not be shown any more.
  document.addEventListener("healthdeck:messages", (event) => {
    health.messages.all().filter(health.messages.isRead).forEach((message) => remove(message.id));
    event.detail.fresh.filter((message) => !health.messages.isRead(message)).reverse().forEach(add);
  });
  document.addEventListener("healthdeck:bell", () => {
    left = 0;
    drawLeft();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest(".toast-rest")) document.getElementById("bell-button").click();
  });
})();
