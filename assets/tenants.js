// Pages of tenants: the list's choice stands in the address, typed confirmations, printing.
(function () {
  "use strict";

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, {
    // What was chosen, in the address; and the list is drawn anew.
    tenants_chosen(q, state, sort, most) {
      const chosen = Object.entries({ q, state, sort: sort === "state" ? "" : sort, most: most === 100 ? "" : most });
      const here = new URL(window.location.href);
      chosen.forEach(([name, value]) => (value ? here.searchParams.set(name, value) : here.searchParams.delete(name)));
      window.history.replaceState(window.history.state, "", here);
      return Date.now() / 1000;
    },
    tenants_typed(typed, id) {
      return !id || typed !== id;
    },
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("[data-print]")) window.print();
  });
})();
