// Times on the screen: local, with UTC in the title, ticking without asking the server.
// <time datetime=ISO data-form="since|ago|clock|at">; data-from/data-to/data-text: a bar with a hint.
(function () {
  "use strict";
  const RECENT = 43200; // s in which a time of day can mean one moment only
  const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat([], { month: "short", day: "numeric" });
  const full = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "long", hourCycle: "h23" });
  const zone = new Intl.DateTimeFormat("en", { timeZoneName: "short" });

  function span(seconds) {
    const s = Math.max(0, seconds);
    if (s < 90) return `${Math.round(s)} s`;
    if (s < 5400) return `${Math.round(s / 60)} min`;
    if (s < 129600) return `${Math.round(s / 3600)} h`;
    return `${Math.round(s / 86400)} d`;
  }

  function isToday(date) {
    return new Date().toDateString() === date.toDateString();
  }

  function at(date) {
    return isToday(date) ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
  }

  function say(form, date) {
    if (form === "at") return at(date);
    const ago = (Date.now() - date.getTime()) / 1000;
    if (form === "clock") return isToday(date) || ago < RECENT ? clock.format(date) : day.format(date);
    const length = span(ago);
    return form === "ago" ? `${length} ago` : length;
  }

  // Only what differs is written: the observer below sees our own changes too.
  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function tell(element) {
    const date = new Date(element.dateTime);
    write(element, say(element.dataset.form, date));
    const title = `${full.format(date)} (${date.toISOString().slice(0, 19).replace("T", " ")} UTC)`;
    if (element.title !== title) element.title = title;
  }

  function tick() {
    document.querySelectorAll("time[data-form]").forEach(tell);
    const now = new Date();
    const place = document.getElementById("clock");
    if (!place) return;
    const name = zone.formatToParts(now).find((part) => part.type === "timeZoneName").value;
    write(place, `${day.format(now)}, ${clock.format(now)} ${name}`);
    const utc = `${now.toISOString().slice(0, 16).replace("T", " ")} UTC`;
    if (place.title !== utc) place.title = utc;
  }

  // One hint for all bars, on hover and on focus; Escape puts it away.
  let hint = null;
  let shown = null; // the bar that it belongs to, and where that was

  function show(bar) {
    hint = hint || document.body.appendChild(Object.assign(document.createElement("div"), { className: "hint" }));
    hint.setAttribute("role", "tooltip");
    const lines = [`${at(new Date(bar.dataset.from))} – ${at(new Date(bar.dataset.to))}`, bar.dataset.state, bar.dataset.text];
    hint.replaceChildren(...lines.filter(Boolean).map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    hint.dataset.state = bar.dataset.state;
    hint.hidden = false;
    const box = bar.getBoundingClientRect();
    shown = { bar, box };
    const left = box.left + box.width / 2 - hint.offsetWidth / 2;
    const top = box.top - hint.offsetHeight - 6;
    hint.style.left = `${Math.max(8, Math.min(left, window.innerWidth - hint.offsetWidth - 8))}px`;
    hint.style.top = `${top < 8 ? box.bottom + 6 : top}px`;
  }

  function hide() {
    if (hint) hint.hidden = true;
    shown = null;
  }

  // A bar that was drawn anew or moved away leaves no hint behind.
  function follow() {
    if (!shown) return;
    const { left, top } = shown.bar.getBoundingClientRect();
    if (!shown.bar.isConnected || left !== shown.box.left || top !== shown.box.top) hide();
  }

  function over(event) {
    const bar = event.target.closest && event.target.closest("[data-from]");
    if (bar) show(bar);
    else hide();
  }

  document.addEventListener("mouseover", over);
  document.addEventListener("focusin", over);
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", hide, true);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

  window.healthdeck = Object.assign(window.healthdeck || {}, { span });
  new MutationObserver(() => {
    tick();
    follow();
  }).observe(document.documentElement, { childList: true, subtree: true });
  window.setInterval(tick, 1000);
})();
