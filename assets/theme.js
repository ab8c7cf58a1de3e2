// The theme follows the system until the user chooses; the choice stays in this browser.
// Loaded in the head, before the first paint.
(function () {
  "use strict";
  const KEY = "healthdeck.theme";
  const CHOICES = ["system", "light", "dark"];
  const root = document.documentElement;
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

  apply(chosen());
  night.addEventListener("change", () => apply(chosen()));
  window.addEventListener("storage", (event) => event.key === KEY && apply(chosen()));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-button]")) choose(next(root.dataset.themeChoice));
  });
  new MutationObserver(label).observe(root, { childList: true, subtree: true });
})();
