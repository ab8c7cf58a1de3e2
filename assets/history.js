// Dash remembers every change that a callback listens to, for an undo that Healthdeck does not
// offer: each event of the stream, for as long as the page is open. Forgotten here.
(function () {
  "use strict";
  const KEPT = 100;
  const READY = 100; // ms between two looks for Dash's store

  function forget() {
    const { past } = window.store.getState().history;
    if (past.length > KEPT) past.length = 0;
  }

  function begin() {
    if (window.store) window.store.subscribe(forget);
    else window.setTimeout(begin, READY);
  }

  begin();
})();
