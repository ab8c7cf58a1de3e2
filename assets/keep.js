// Dash puts new elements in place of a section that it draws again. What the reader had unfolded
// stays unfolded, and the keyboard stays where it was.
(function () {
  "use strict";
  const FOCUSABLE = "a[href], button, summary, [tabindex]";
  const unfolded = new Set();
  let focused = null; // {element, holder: id, place}

  // An element by the nearest id around it and its place therein.
  function find(holder, place, selector) {
    const around = document.getElementById(holder);
    return place < 0 ? around : around && around.querySelectorAll(selector)[place];
  }

  function whereabouts(element, selector) {
    const around = element.closest("[id]");
    if (!around) return null;
    return { holder: around.id, place: Array.from(around.querySelectorAll(selector)).indexOf(element) };
  }

  function name(details) {
    const at = whereabouts(details, "details");
    return at && `${at.holder} ${at.place}`;
  }

  function restore() {
    document.querySelectorAll("details:not([open])").forEach((details) => {
      if (unfolded.has(name(details))) details.open = true;
    });
    if (!focused || focused.element.isConnected || document.activeElement !== document.body) return;
    // of a button that is gone what it belonged to
    const target = find(focused.holder, focused.place, FOCUSABLE) || document.getElementById(focused.holder);
    focused = null;
    if (!target) return;
    target.focus({ preventScroll: true });
    if (document.activeElement === target) return;
    target.tabIndex = -1; // it takes no focus by itself
    target.focus({ preventScroll: true });
  }

  // Before the toggle event, which comes too late when a drawing is faster.
  document.addEventListener("click", (event) => {
    const summary = event.target.closest("summary");
    const details = summary && summary.parentElement;
    const key = details && name(details);
    if (!key) return;
    if (details.open) unfolded.delete(key);
    else unfolded.add(key);
  });
  document.addEventListener("focusin", (event) => {
    const at = whereabouts(event.target, FOCUSABLE);
    focused = at && { element: event.target, ...at };
  });
  document.addEventListener("focusout", (event) => {
    queueMicrotask(() => {
      if (focused && focused.element === event.target && event.target.isConnected) focused = null;
    });
  });
  new MutationObserver(restore).observe(document.documentElement, { childList: true, subtree: true });
})();
