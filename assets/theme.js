// The theme follows the system until the user chooses; the choice stays in this browser.
// Loaded in the head, before the first paint; so it also reads off the address how much of the frame
// around the pages there is: ?kiosk=1 and ?embed=1 leave it out (assets/frame.js, portal.js).
(function () {
  "use strict";
  const KEY = "healthdeck.theme";
  const CHOICES = ["system", "light", "dark"];
  const root = document.documentElement;
  const asked = new URLSearchParams(window.location.search);
  const night = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      const kept = window.localStorage.getItem(KEY);
      return CHOICES.includes(kept) ? kept : "system";
    } catch {
      return root.dataset.themeChoice || "system"; // storage is forbidden: the page remembers
    }
  }

  function next(choice) {
    return CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
  }

  function label() {
    const choice = root.dataset.themeChoice;
    const text = `Theme: ${choice}. Switch to ${next(choice)}`;
    document.querySelectorAll("[data-theme-button]").forEach((button) => {
      if (button.title === text) return;
      button.title = text;
      button.setAttribute("aria-label", text);
    });
  }

  // Charts are painted anew.
  function tell() {
    const dash = window.dash_clientside;
    if (document.getElementById("shell") && dash && dash.set_props) dash.set_props("theme", { data: root.dataset.bsTheme });
  }

  function apply(choice) {
    const dark = choice === "dark" || (choice === "system" && night.matches);
    root.dataset.themeChoice = choice;
    root.dataset.bsTheme = dark ? "dark" : "light";
    label();
    tell();
  }

  function choose(choice) {
    try {
      window.localStorage.setItem(KEY, choice);
    } catch {
      // The choice then lasts as long as the page.
    }
    apply(choice);
  }

  // On paper there is no night.
  function print(printing) {
    if (printing) root.dataset.bsTheme = "light";
    else apply(root.dataset.themeChoice);
  }

  ["kiosk", "embed"].forEach((frame) => asked.get(frame) === "1" && (root.dataset.frame = frame));
  window.healthdeck = Object.assign(window.healthdeck || {}, { theme: { CHOICES, apply, choose } });
  apply(chosen());
  window.addEventListener("beforeprint", () => print(true));
  window.addEventListener("afterprint", () => print(false));
  night.addEventListener("change", () => apply(root.dataset.themeChoice));
  window.addEventListener("storage", (event) => event.key === KEY && apply(chosen()));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-button]")) choose(next(root.dataset.themeChoice));
  });
  new MutationObserver(label).observe(root, { childList: true, subtree: true });
})();
