// The bell: its count, its panel, and the way to an alert. What there is to show is in messages.js.
(function () {
  "use strict";
  const MOST = 99; // is counted exactly
  const TONES = { critical: "unhealthy", warning: "degraded", resolved: "healthy" };
  const EVENTS = { "alert.escalated": "still open" };
  const health = (window.healthdeck = window.healthdeck || {});
  const byId = (id) => document.getElementById(id);
  const items = new Map(); // elements of the list by the message's id

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    element.className = className;
    element.append(...children);
    return element;
  }

  function address(alertId) {
    return `${byId("bell").dataset.alerts}?alert=${encodeURIComponent(alertId)}`;
  }

  function tone(message) {
    return TONES[message.severity] || "info";
  }

  // A message as it stands in the list and in a toast: what it is, when, and the way to its alert.
  function describe(message) {
    const mark = make("i", "mark");
    mark.setAttribute("aria-hidden", "true");
    const word = make("span", `status is-${tone(message)}`, mark, make("span", "", message.severity));
    const time = make("time", "");
    time.dateTime = new Date(message.at).toISOString();
    time.dataset.form = "at";
    const head = make("div", "message-head", word, make("span", "aside", EVENTS[message.event] || ""), time);
    const title = message.alertId ? make("a", "", message.title) : message.title;
    if (message.alertId) {
      title.href = address(message.alertId);
      title.dataset.message = message.id;
      title.dataset.alertShown = message.alertId;
    }
    return [head, make("h3", "", title), ...(message.text ? [make("p", "", message.text)] : [])];
  }

  // Only what differs is written, so that nothing flickers and the keyboard stays where it is.
  function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function drawCount(unread) {
    const some = unread.length > 0;
    const words = unread.length > MOST ? `${MOST}+` : String(unread.length);
    const count = byId("bell-count");
    if (some) put(count, words);
    count.hidden = !some;
    byId("bell").classList.toggle("has-unread", some);
    byId("bell").classList.toggle("has-critical", unread.some((message) => message.severity === "critical"));
    const label = some ? `Messages, ${words} unread` : "Messages";
    const button = byId("bell-button");
    if (button.title === label) return;
    button.title = label;
    button.setAttribute("aria-label", label);
  }

  function item(message) {
    if (!items.has(message.id)) {
      const note = make("span", "visually-hidden");
      items.set(message.id, make("li", "message", ...describe(message), note));
    }
    const element = items.get(message.id);
    const unread = !health.messages.isRead(message);
    element.classList.toggle("is-unread", unread);
    put(element.querySelector(".visually-hidden"), unread ? "unread" : "");
    return element;
  }

  function drawList() {
    const list = byId("bell-list");
    const shown = health.messages.all().slice(0, health.messages.SHOWN);
    shown.forEach((message, place) => {
      const element = item(message);
      if (list.children[place] !== element) list.insertBefore(element, list.children[place] || null);
    });
    while (list.children.length > shown.length) list.lastElementChild.remove();
    items.forEach((element, id) => element.isConnected || items.delete(id));
    const { state, why } = health.messages.state();
    byId("bell-loading").hidden = state !== "loading";
    byId("bell-failed").hidden = state !== "failed";
    byId("bell-empty").hidden = state !== "ready" || shown.length > 0;
    put(byId("bell-why"), why);
  }

  function draw() {
    const unread = health.messages.unread();
    drawCount(unread);
    byId("bell-read").disabled = !unread.length;
    drawList();
  }

  function isOpen() {
    return !byId("bell-panel").hidden;
  }

  function show(open) {
    const inside = byId("bell-panel").contains(document.activeElement);
    byId("bell-panel").hidden = !open;
    byId("bell-button").setAttribute("aria-expanded", String(open));
    if (open) byId("bell-panel").focus({ preventScroll: true });
    else if (inside) byId("bell-button").focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("healthdeck:bell", { detail: { open } }));
  }

  // To the alert's drawer on the page of alerts (assets/alerts.js puts the keyboard into it). Dash
  // hears of it as of a link of its own, so nothing is loaded again.
  function open(alertId) {
    if (isOpen()) show(false);
    const drawer = byId("alerts-drawer");
    if (drawer && drawer.dataset.drawer === alertId) return drawer.querySelector("[role='dialog']").focus();
    window.history.pushState({}, "", address(alertId));
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  function clicked(event) {
    const link = event.target.closest("[data-alert-shown]");
    if (link) {
      health.messages.read(link.dataset.message);
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(link.dataset.alertShown);
    } else if (event.target.closest("#bell-button")) show(!isOpen());
    else if (event.target.closest("#bell-read")) {
      health.messages.readAll();
      byId("bell-panel").focus({ preventScroll: true }); // the button is of no use now
    } else if (event.target.closest("#bell-again")) health.messages.load();
    else if (isOpen() && event.target.isConnected && !event.target.closest("#bell")) show(false);
  }

  function left(event) {
    const to = event.relatedTarget;
    if (isOpen() && to && byId("bell").contains(event.target) && !byId("bell").contains(to)) show(false);
  }

  function start() {
    health.bell = { describe, open, tone };
    byId("bell").hidden = false;
    document.addEventListener("click", clicked);
    document.addEventListener("focusout", left);
    document.addEventListener("healthdeck:messages", draw);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && isOpen()) show(false);
    });
    draw();
    health.computer.start();
    health.messages.start();
  }

  // Dash draws the shell some time after this file has run. In a portal's frame there is no bell.
  const waitForBell = new MutationObserver(() => {
    if (!byId("shell")) return;
    waitForBell.disconnect();
    const framed = new URLSearchParams(window.location.search).has("embed");
    if (byId("bell") && !framed) start();
  });
  waitForBell.observe(document.documentElement, { childList: true, subtree: true });
})();
