// After the server was away: a page that could not be drawn is loaded again, and one that is older
// than the server's files says so. A callback that did not reach the server says that too.
(function () {
  "use strict";
  const FILES = /(?:src|href)="([^"]*\/(?:assets|vendor|_dash-component-suites)\/[^"]+)"/g;
  const HAND = /\.(n_clicks|n_submit|n_dismiss|value|contents)$/; // properties that a person changes
  const AGAIN = 5000; // ms between two looks while nothing is drawn
  const byId = (id) => document.getElementById(id);

  function undrawn() {
    const page = byId("_pages_content");
    return !page || !page.firstElementChild;
  }

  // Files of the page as the server would send it now that this page was not made of.
  async function isOlder() {
    const answer = await window.fetch(window.location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return false;
    const used = new Set(Array.from(document.querySelectorAll("script[src], link[href]"), (one) => one.getAttribute("src") || one.getAttribute("href")));
    return Array.from((await answer.text()).matchAll(FILES), ([, address]) => address).some((address) => !used.has(address) && !address.includes("favicon"));
  }

  function offer() {
    if (document.documentElement.dataset.frame === "kiosk") window.location.reload(); // nobody is there to press it
    else byId("newer").hidden = false;
  }

  document.addEventListener("healthdeck:connected", ({ detail }) => {
    if (!detail.missed) return;
    if (undrawn()) window.location.reload();
    else isOlder().then((older) => older && offer(), () => {});
  });
  document.addEventListener("click", (event) => event.target.closest("[data-reload]") && window.location.reload());

  // Dash gives up where the first answers do not come.
  const timer = window.setInterval(() => {
    if (byId("shell")) return window.clearInterval(timer);
    if (!document.querySelector("._dash-loading")) window.fetch(`${window.healthdeck.base}/readyz`).then((answer) => answer.ok && window.location.reload(), () => {});
  }, AGAIN);

  function refuse(why) {
    const props = { children: why, header: "Not done", dismissable: true, duration: 8000, is_open: true };
    window.dash_clientside.set_props("toasts", { children: { namespace: "dash_bootstrap_components", type: "Toast", props } });
  }

  function byHand(body) {
    try {
      return JSON.parse(body).changedPropIds.some((name) => HAND.test(name));
    } catch {
      return false;
    }
  }

  async function why(answer) {
    if (answer.status === 401) return "Your session has ended. Reload the page to log in again.";
    try {
      return (await answer.clone().json()).error;
    } catch {
      return "The server had an error. Its log has the details.";
    }
  }

  const plain = window.fetch.bind(window);
  window.fetch = async (asked, options) => {
    const spoken = String(asked.url || asked).includes("/_dash-update-component") && byHand(options && options.body);
    if (!spoken) return plain(asked, options);
    let answer = null;
    try {
      answer = await plain(asked, options);
    } catch (error) {
      refuse("The server cannot be reached. Try again once the page is live.");
      throw error;
    }
    if (!answer.ok) why(answer).then(refuse);
    return answer;
  };
})();
