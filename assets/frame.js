// Without the frame around the pages: ?kiosk=1 for a screen on a wall, ?embed=1 in a portal's page.
// The word stays in the address while one goes from page to page. theme.js has read it.
(function () {
  "use strict";
  const STILL = 3000; // ms without a move after which a wall screen hides the pointer
  const root = document.documentElement;
  const frame = root.dataset.frame;
  const health = (window.healthdeck = window.healthdeck || {});
  const base = new URL("..", document.currentScript.src).pathname.replace(/\/$/, "");

  // A page of ours by its path, without loading the browser's page anew: as Dash's own links do.
  health.go = (path) => {
    window.history.pushState({}, "", base + path);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
    const content = document.getElementById("content");
    if (content) content.focus({ preventScroll: true });
  };
  health.base = base;

  function kept(address) {
    const to = new URL(address || window.location.href, window.location.href);
    if (frame && to.origin === window.location.origin && !to.searchParams.has(frame)) to.searchParams.set(frame, "1");
    return to.href;
  }

  ["pushState", "replaceState"].forEach((name) => {
    const plain = window.history[name].bind(window.history);
    window.history[name] = (state, unused, address) => {
      plain(state, unused, kept(address));
      document.dispatchEvent(new CustomEvent("healthdeck:address"));
    };
  });
  window.addEventListener("popstate", () => document.dispatchEvent(new CustomEvent("healthdeck:address")));

  // A link that loads a page anew keeps it as well.
  document.addEventListener("click", (event) => {
    const link = frame && event.target.closest("a[href]");
    if (link && link.getAttribute("href")[0] !== "#" && !link.hasAttribute("download")) link.href = kept(link.href);
  });

  if (frame !== "kiosk") return;
  let timer = null;

  function moved() {
    root.classList.remove("is-still");
    window.clearTimeout(timer);
    timer = window.setTimeout(() => root.classList.add("is-still"), STILL);
  }

  // The screen stays awake where the browser allows that; it forgets when the page was hidden.
  function wake() {
    if (navigator.wakeLock && !document.hidden) navigator.wakeLock.request("screen").catch(() => {});
  }

  document.addEventListener("pointermove", moved);
  document.addEventListener("visibilitychange", wake);
  moved();
  wake();
})();
