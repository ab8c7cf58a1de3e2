// What a page with ?embed=1 in a frame of the portal's tells it, and what it is told.
//
// Messages, only to and from the origins of PORTAL_URL:
//   to the portal    {type: "healthdeck:height", height: <px>}
//                    {type: "healthdeck:route", path: "/health/vps/vps-1?..."}
//                    {type: "healthdeck:alerts", count: <active alerts>}
//   from the portal  {type: "healthdeck:theme", theme: "light", "dark" or "system"}
(function () {
  "use strict";
  const health = (window.healthdeck = window.healthdeck || {});
  if (document.documentElement.dataset.frame !== "embed" || window.parent === window) return;
  const told = {}; // the last message of each type
  let portals = null; // the origins that may frame us, once they are known

  function tell(type, fields) {
    const message = { type: `healthdeck:${type}`, ...fields };
    const text = JSON.stringify(message);
    if (!portals || told[type] === text) return;
    told[type] = text;
    portals.forEach((origin) => window.parent.postMessage(message, origin));
  }

  function tellHeight() {
    const shell = document.getElementById("shell");
    if (shell) tell("height", { height: Math.ceil(shell.getBoundingClientRect().height) });
  }

  function tellRoute() {
    const asked = new URLSearchParams(window.location.search);
    asked.delete("embed");
    const path = window.location.pathname.slice(health.base.length);
    tell("route", { path: asked.size ? `${path}?${asked}` : path });
  }

  function tellAlerts() {
    if (health.alerts) tell("alerts", { count: health.alerts().count });
  }

  function tellAll() {
    tellHeight();
    tellRoute();
    tellAlerts();
  }

  document.addEventListener("healthdeck:framed", (event) => {
    portals = event.detail.portals;
    tellAll();
  });
  document.addEventListener("healthdeck:alerts", tellAlerts);
  document.addEventListener("healthdeck:address", () => window.setTimeout(tellRoute));
  window.addEventListener("message", (event) => {
    if (!portals || event.source !== window.parent || !portals.includes(event.origin)) return;
    const message = event.data;
    if (!message || message.type !== "healthdeck:theme" || !health.theme.CHOICES.includes(message.theme)) return;
    health.theme.apply(message.theme);
  });

  // Dash draws the shell some time after this file has run.
  const waitForShell = new MutationObserver(() => {
    const shell = document.getElementById("shell");
    if (!shell) return;
    waitForShell.disconnect();
    new ResizeObserver(tellHeight).observe(shell);
    tellAll();
  });
  waitForShell.observe(document.documentElement, { childList: true, subtree: true });
})();
