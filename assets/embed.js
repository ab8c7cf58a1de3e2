// A page in a frame of the portal's: trades the token of the address for a cookie, and asks the
// portal for the next one before the session ends. Does nothing on a page that is not framed.
//
// Messages, only to and from the origins of PORTAL_URL (more of them in portal.js):
//   to the portal    {type: "healthdeck:token-wanted", expiresAt: "<ISO 8601>" or null}
//   from the portal  {type: "healthdeck:token", token: "<one-time token>"}
(function () {
  "use strict";
  const WANTED = "healthdeck:token-wanted";
  const TOKEN = "healthdeck:token";
  const AHEAD = 60000; // ms before the end at which a new token is asked for
  const AGAIN = 15000; // ms until the portal is asked once more
  const SOON = 2000; // ms after a token that was no good
  const LONGEST = 2 ** 31 - 1; // ms that a timer can wait

  const TRADE = new URL("../auth/embed", document.currentScript.src).href;
  const page = document.getElementById("embed");
  let timer = null;
  let state = null; // {expiresAt, portals}
  if (window.parent === window && !page) return;

  // What the server knows: browsers give a frame on another site no storage of its own.
  async function look() {
    const response = await window.fetch(TRADE);
    state = await response.json();
    document.dispatchEvent(new CustomEvent("healthdeck:framed", { detail: { portals: framing() } }));
  }

  function say(text) {
    if (page) page.textContent = text;
  }

  function takeToken() {
    const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
    if (token) window.history.replaceState(null, "", window.location.pathname + window.location.search);
    return token;
  }

  // A message to an origin that does not frame us is lost, which is as it should be; the browser
  // notes each on its console, so where it tells who frames us only that origin is told.
  function framing() {
    const above = window.location.ancestorOrigins;
    return above ? state.portals.filter((origin) => origin === above[0]) : state.portals;
  }

  function ask() {
    if (window.parent === window) return;
    framing().forEach((origin) => {
      window.parent.postMessage({ type: WANTED, expiresAt: state.expiresAt }, origin);
    });
    plan(AGAIN);
  }

  function plan(wait) {
    window.clearTimeout(timer);
    timer = window.setTimeout(due, Math.min(Math.max(wait, 0), LONGEST));
  }

  function due() {
    const left = state.expiresAt ? Date.parse(state.expiresAt) - Date.now() : 0;
    if (left > AHEAD) plan(left - AHEAD);
    else ask();
  }

  // A session shorter than twice AHEAD is renewed after half of it.
  function planRenewal() {
    const left = Date.parse(state.expiresAt) - Date.now();
    plan(Math.max(left - AHEAD, left / 2));
  }

  async function trade(token) {
    const response = await window.fetch(TRADE, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.error);
    state = body;
  }

  function goOn() {
    if (page) window.location.replace(page.dataset.to);
    else planRenewal();
  }

  function use(token) {
    trade(token).then(goOn, (error) => {
      say(error.message);
      plan(SOON);
    });
  }

  function begin() {
    const token = page && takeToken();
    if (token) return use(token);
    if (state.expiresAt) return goOn();
    if (!page) return; // a login's own session, on the same site
    say("Waiting for the portal…");
    ask();
  }

  window.addEventListener("message", (event) => {
    if (!state || event.source !== window.parent || !state.portals.includes(event.origin)) return;
    const message = event.data;
    if (message && message.type === TOKEN && typeof message.token === "string") use(message.token);
  });

  look().then(begin, () => say("Healthdeck does not answer. Load the page again."));
})();
