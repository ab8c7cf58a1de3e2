// The live stream: events go into the store that the page's callback listens to, and the
// indicator says how old the page is. Reconnects by itself.
(function () {
  "use strict";
  // beside our own folder, so that it holds below a sub-path too
  const PATH = new URL("../api/admin/health/stream", document.currentScript.src).pathname;
  const EVENTS = ["health:update", "alert:new", "alert:update"];
  const REFUSALS = ["Authentication failed", "Insufficient permissions"]; // trying again is of no use
  const DRAWN_WITHIN = 5000; // ms after which a drawing that never ended stops holding others up
  const RETRY = 5000; // ms until a refused connection is tried again
  const NARROW = window.matchMedia("(max-width: 430px)"); // no room for a sentence in the bar
  const QUIET = 3000; // ms of reconnecting before the page speaks of it
  const health = (window.healthdeck = window.healthdeck || {});

  let connection = "connecting"; // connecting | live | lost | signed-out
  let lostAt = Date.now();
  let updatedAt = null; // when the content on the page was true, by this browser's clock
  let waiting = null; // the latest event that is not drawn yet; older ones are of no use
  let drawing = null; // timer of the drawing under way
  const undrawn = new Set(); // the parts that have not answered yet
  let leaving = null; // the form that takes the browser elsewhere; what is asked after a logout is refused
  let count = 0;

  function ready() {
    return document.getElementById("shell") && window.dash_clientside && window.dash_clientside.set_props;
  }

  // What is drawn from events: the shell, and the page when it is a live one. Each has a store for
  // them (components/live.py).
  function livePage() {
    return document.querySelector("[data-stale-after]");
  }

  function tell(part) {
    const page = part.dataset.live;
    undrawn.add(page);
    window.dash_clientside.set_props({ type: "live-event", page }, { data: waiting });
  }

  // One drawing at a time: Dash drops the answer of a callback that is asked again meanwhile,
  // so events faster than the server's answers would leave the page standing still.
  function pump() {
    const parts = ready() && document.querySelectorAll("[data-live]");
    if (!waiting || drawing || leaving || !parts || !parts.length) return;
    drawing = window.setTimeout(release, DRAWN_WITHIN);
    undrawn.clear();
    parts.forEach(tell);
    waiting = null;
  }

  function release() {
    window.clearTimeout(drawing);
    drawing = null;
    if (leaving) leaving.submit();
    else pump();
  }

  // What is being asked is waited for: its answer would be a refusal after the logout.
  function leave(event) {
    leaving = event.target;
    if (drawing) event.preventDefault();
  }

  function offer(name) {
    waiting = { event: name, count: ++count };
    pump();
  }

  function connected(now) {
    connection = now;
    if (now === "live") health.messages.connected();
    else health.messages.lost();
    if (now !== "live") lostAt = Date.now();
    if (ready()) window.dash_clientside.set_props("poll", { disabled: now === "live" });
    tick();
  }

  function staleAfter() {
    const page = livePage();
    return page ? Number(page.dataset.staleAfter) : 120;
  }

  // What the indicator says: state and text; and, when it matters, a sentence for everybody.
  function words(now) {
    const age = updatedAt === null || !livePage() ? null : (now - updatedAt) / 1000;
    const stale = age !== null && age >= staleAfter();
    if (connection === "signed-out") {
      return ["signed-out", "Signed out", "Your session has ended. Reload the page to log in again."];
    }
    if (stale) {
      const why = connection === "live" ? "The server collects nothing at the moment." : "There is no connection to the server; trying again.";
      const since = health.span(age);
      return ["stale", `Stale: no update for ${since}`, `What you see is ${since} old. ${why}`];
    }
    if (connection === "live") return ["live", age === null ? "Live" : `Live · ${health.span(age)}${NARROW.matches ? "" : " ago"}`, ""];
    if (connection === "connecting") return ["connecting", "Connecting…", ""];
    const late = now - lostAt > QUIET;
    return ["reconnecting", "Reconnecting…", late ? "The connection to the server is lost. The page keeps trying and shows the last known state." : ""];
  }

  function tick() {
    pump();
    const text = document.getElementById("live-text");
    const notice = document.getElementById("connection-notice");
    if (!text || !notice) return;
    const [state, say, sentence] = words(Date.now());
    const chip = text.parentElement;
    if (chip.dataset.state !== state) chip.dataset.state = state;
    if (text.textContent !== say) text.textContent = say;
    if (notice.textContent !== sentence) notice.textContent = sentence;
    notice.hidden = !sentence;
    document.documentElement.classList.toggle("is-stale", state === "stale");
  }

  // Called by Dash: with what the server drew, {age: seconds, digests} for each live part, or that
  // it could not.
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, {
    drawn(_drawings) {
      const context = window.dash_clientside.callback_context;
      const page = livePage();
      context.inputs_list[0].forEach(({ id, value }) => {
        if (!context.triggered.some(({ prop_id }) => prop_id.includes(`"${id.page}"`))) return;
        undrawn.delete(id.page);
        if (page && id.page === page.dataset.live) updatedAt = Date.now() - value.age * 1000;
      });
      if (!undrawn.size) release();
      tick();
      return null;
    },
    failed(notice) {
      if (notice) release();
    },
    poll(count) {
      if (count) offer("poll");
    },
  });

  function start() {
    const socket = window.io({ path: PATH, withCredentials: true, transports: ["websocket", "polling"], reconnectionDelayMax: RETRY });
    const again = () => socket.active || window.setTimeout(() => socket.connect(), RETRY * (0.5 + Math.random()));

    socket.on("connect", () => {
      socket.emit("subscribe:alerts");
      const missed = connection === "lost";
      connected("live");
      if (missed) offer("reconnected");
      document.dispatchEvent(new CustomEvent("healthdeck:connected", { detail: { missed } }));
    });
    socket.on("disconnect", () => {
      connected("lost");
      again(); // the client does not come back by itself when the server hung up
    });
    socket.on("connect_error", (error) => {
      if (REFUSALS.includes(error.message)) return connected("signed-out");
      if (connection !== "lost") connected("lost");
      again();
    });
    socket.on("notice", (message) => health.messages.told(message));
    EVENTS.forEach((name) => socket.on(name, () => offer(name)));
    window.addEventListener("submit", leave);
    window.addEventListener("pageshow", () => (leaving = null)); // back again by the browser's button
    window.setInterval(tick, 1000);
    NARROW.addEventListener("change", tick);
  }

  // Dash draws the shell some time after this file has run.
  const waitForShell = new MutationObserver(() => {
    if (!ready()) return;
    waitForShell.disconnect();
    start();
  });
  waitForShell.observe(document.documentElement, { childList: true, subtree: true });
})();
