// The keyboard: "/" searches on the page, "?" helps, "g" and a letter goes to a page, Ctrl+K opens the
// palette. Letters do nothing while somebody types or a dialog is open.
(function () {
  "use strict";
  const PAGES = { o: "/health", v: "/health/vps", t: "/health/tenants", m: "/health/metrics", a: "/health/alerts", s: "/health/settings" };
  const PAUSE = 1500; // ms between "g" and the letter
  const QUIET = ["checkbox", "radio", "button", "submit", "reset", "range", "color", "file"]; // inputs in which nobody types
  const health = (window.healthdeck = window.healthdeck || {});
  let went = 0; // when "g" was pressed

  function types(element) {
    if (!element || !element.closest) return false;
    if (element.matches("input")) return !QUIET.includes(element.type);
    return Boolean(element.closest("textarea, select, [contenteditable]:not([contenteditable='false']), [role='combobox'], [role='textbox'], [role='searchbox'], [role='listbox'], [role='menu']"));
  }

  function busy() {
    return Boolean(document.querySelector("dialog[open], .modal.show, .offcanvas.show"));
  }

  function search() {
    const fields = Array.from(document.querySelectorAll("[data-search]"), (one) => (one.matches("input, textarea") ? one : one.querySelector("input, textarea, [tabindex='0']")));
    const field = fields.find((one) => one && one.checkVisibility());
    if (!field) return health.palette.open();
    field.focus();
    if (field.select) field.select();
  }

  function help() {
    const dialog = document.getElementById("help");
    if (dialog && !dialog.open) dialog.showModal();
  }

  function letter(key) {
    const second = Date.now() - went < PAUSE;
    went = 0;
    if (second && PAGES[key]) health.go(PAGES[key]);
    else if (key === "g") went = Date.now();
    else if (key === "/") search();
    else if (key === "?") help();
    else return false;
    return true;
  }

  health.help = help;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat || !document.getElementById("shell")) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      health.palette.toggle();
    } else if (!command && !event.altKey && !types(event.target) && !busy() && letter(event.key)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) help();
    const close = event.target.closest("[data-close-dialog]");
    if (close) close.closest("dialog").close();
    else if (event.target.matches("dialog.help")) event.target.close(); // beside it
  });
})();
