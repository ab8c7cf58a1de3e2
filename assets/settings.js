// Settings: which fields a form shows, its dialog's Close, copying a secret, the theme by name.
(function () {
  "use strict";
  const THEME = "healthdeck.theme";
  const TYPING = 400; // ms without a key after which what a draft would do is worked out anew
  const root = document.documentElement;
  let changes = 0;

  function variant(values, fields, variants) {
    return (variants || []).map(({ name }) => {
      const at = fields.findIndex((field) => field.name === name);
      return `variant is-${at < 0 ? "" : values[at]}`;
    });
  }

  function typed() {
    const change = (changes += 1);
    return new Promise((resolve) => {
      window.setTimeout(() => resolve(change === changes ? change : window.dash_clientside.no_update), TYPING);
    });
  }

  function closed(clicks) {
    return clicks ? false : window.dash_clientside.no_update;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, { variant, typed, closed });

  // Without the clipboard, as on plain http, the text is marked for Ctrl+C.
  function copy(button) {
    const code = button.parentElement.querySelector("code");
    const say = (text) => { button.textContent = text; };
    const mark = () => {
      window.getSelection().selectAllChildren(code);
      say("Press Ctrl+C");
    };
    if (!navigator.clipboard) return mark();
    navigator.clipboard.writeText(code.textContent).then(() => say("Copied"), mark);
  }

  // theme.js hears of it as of a choice in another tab.
  function choose(theme) {
    try {
      window.localStorage.setItem(THEME, theme);
    } catch {
      return; // storage is forbidden; the button at the top still works for this page
    }
    window.dispatchEvent(new StorageEvent("storage", { key: THEME }));
  }

  function label() {
    document.querySelectorAll("[data-theme-set]").forEach((button) => {
      const pressed = String(button.dataset.themeSet === root.dataset.themeChoice);
      if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
    });
  }

  // dcc.Link takes no aria attributes.
  function mark() {
    document.querySelectorAll(".set-link.is-here:not([aria-current]), .chip.is-chosen:not([aria-current])").forEach((link) => link.setAttribute("aria-current", "true"));
    document.querySelectorAll(".set-link[aria-current]:not(.is-here), .chip[aria-current]:not(.is-chosen)").forEach((link) => link.removeAttribute("aria-current"));
    label();
  }

  document.addEventListener("click", (event) => {
    const copying = event.target.closest("[data-copy]");
    if (copying) copy(copying);
    const theme = event.target.closest("[data-theme-set]");
    if (theme) choose(theme.dataset.themeSet);
  });

  // Enter in a line sends the form, as in every other form.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches(".set-form input:not([type=checkbox])")) return;
    const button = event.target.closest(".modal-content").querySelector(".set-acts .btn-primary");
    if (button) button.click();
  });

  new MutationObserver(mark).observe(root, { childList: true, subtree: true, attributeFilter: ["data-theme-choice"] });
})();
