// The menus of the overview's alerts: putting one aside, by the reader's own clock. One menu is open at
// a time; a press elsewhere and Escape close it.
(function () {
  "use strict";
  function tomorrow() {
    const date = new Date();
    date.setDate(date.getDate() + 1);
    date.setHours(8, 0, 0, 0);
    return date.getTime() / 1000;
  }

  function snooze(button) {
    const until = button.dataset.snooze === "tomorrow" ? tomorrow() : Date.now() / 1000 + 60 * Number(button.dataset.snooze);
    const { alert } = button.closest("[data-alert]").dataset;
    window.dash_clientside.set_props("overview-snooze", { data: { alert, until } });
  }

  // By its own summary, so that what remembers unfolded parts (keep.js) knows of it.
  function closeMenus(except) {
    document.querySelectorAll(".menu-holder[open]").forEach((menu) => menu !== except && menu.querySelector("summary").click());
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    if (!event.isTrusted && at(".menu-holder > summary")) return; // closed by ourselves
    closeMenus(at(".menu-holder > summary, .menu") ? at(".menu-holder") : null);
    const button = at("[data-snooze]");
    if (!button) return;
    snooze(button);
    closeMenus(null);
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector(".menu-holder[open]");
    if (!menu) return;
    closeMenus(null);
    menu.querySelector("summary").focus();
  });
})();
