// Parts that the server sends as HTML (components/island.py): put in when they come and when they
// change, before anything is painted.
(function () {
  "use strict";

  function fill(element) {
    if (element.shown === element.dataset.html) return;
    element.shown = element.dataset.html;
    element.innerHTML = element.shown;
  }

  function all(around) {
    if (around.dataset && around.dataset.html !== undefined) fill(around);
    if (around.querySelectorAll) around.querySelectorAll("[data-html]").forEach(fill);
  }

  // Links of such parts change the page as Dash's own do.
  function follow(event) {
    const link = event.target.closest("a[data-link]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const to = new URL(link.href);
    window.healthdeck.go((to.pathname + to.search).slice(window.healthdeck.base.length));
  }

  document.addEventListener("click", follow);
  new MutationObserver((changes) => {
    changes.forEach((change) => {
      if (change.type === "attributes") fill(change.target);
      else change.addedNodes.forEach(all);
    });
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-html"] });
})();
