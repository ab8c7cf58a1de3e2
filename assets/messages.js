// The messages of the in-app channel: what came, and what was read in this browser. Loaded when
// the page opens and after each reconnection, kept up by the stream's "notice" between.
// Says "healthdeck:messages" on the document, with what is new ({fresh}), when any of it changed.
(function () {
  "use strict";
  const ADDRESS = new URL("../api/admin/notifications", document.currentScript.src);
  const KEY = "healthdeck.read"; // {until: ms, ids}: read is what came until then, and these
  const HEAD = /^(Resolved|STILL OPEN): /; // of a title: the word stands beside it here
  const SHOWN = 30; // the panel has room for
  const MOST = 100; // are kept; so many unread ones are counted
  const ALONE = 60000; // ms between two looks while there is no stream
  const PATIENCE = 3000; // ms in which the stream should be there
  const DAY = 86400000; // ms
  const NEW = 60000; // ms for which a message that was missed is still news
  const health = (window.healthdeck = window.healthdeck || {});

  let messages = []; // newest first
  let state = "loading"; // loading | ready | failed
  let why = ""; // it failed
  let asking = null; // the request under way
  let live = false; // the stream is up
  let on = false;
  let read = { until: Date.now() - DAY, ids: [] }; // who was never here has a day to catch up with

  function kept() {
    try {
      const { until, ids } = JSON.parse(window.localStorage.getItem(KEY) || "");
      return { until: Number(until) || 0, ids: Array.isArray(ids) ? ids : [] };
    } catch {
      return read; // nothing yet, or storage is forbidden: the page remembers
    }
  }

  function keep(next) {
    read = { until: next.until, ids: next.ids.slice(-2 * MOST) };
    try {
      window.localStorage.setItem(KEY, JSON.stringify(read));
    } catch {
      // What was read is then known as long as the page.
    }
    say([]);
  }

  function isRead(message) {
    return message.at <= read.until || read.ids.includes(message.id);
  }

  // A row of the API and an event of the stream are one message.
  function understood(row) {
    const resolved = row.event === "alert.resolved";
    return {
      id: row.id,
      alertId: row.alertId || null,
      event: row.event,
      severity: resolved ? "resolved" : row.severity,
      title: (row.title || row.alertTitle || "").replace(HEAD, ""),
      text: row.text || "",
      at: Date.parse(row.sentAt || row.createdAt),
    };
  }

  // Takes in what is not known yet, and returns that.
  function take(rows) {
    const fresh = rows.map(understood).filter((one) => !messages.some((known) => known.id === one.id));
    messages = [...messages, ...fresh].sort((a, b) => b.at - a.at).slice(0, MOST);
    return fresh;
  }

  function say(fresh) {
    document.dispatchEvent(new CustomEvent("healthdeck:messages", { detail: { fresh } }));
  }

  async function page(limit, cursor) {
    const address = new URL(ADDRESS);
    address.search = new URLSearchParams({ channel: "inApp", status: "delivered", limit, ...(cursor && { cursor }) });
    const response = await window.fetch(address, { headers: { Accept: "application/json" } });
    const body = await response.json();
    if (response.status === 401) on = false; // until somebody logs in, with another page
    if (!response.ok) throw new Error(body.error);
    return { rows: body.notifications, next: body.nextCursor, now: Date.parse(response.headers.get("Date")) || Date.now() };
  }

  // What was missed for less than a minute is shown as news; by the server's clock, since the
  // browser's may be wrong.
  async function ask() {
    const first = state !== "ready";
    const { rows, next, now } = await page(SHOWN);
    let fresh = take(rows);
    if (next && !messages.some(isRead)) fresh = [...fresh, ...take((await page(MOST - SHOWN, next)).rows)];
    state = "ready";
    say(first ? [] : fresh.filter((one) => now - one.at < NEW));
  }

  function load() {
    if (!on || asking) return;
    asking = ask()
      .catch((error) => {
        state = messages.length ? "ready" : "failed";
        why = error.message;
        say([]);
      })
      .finally(() => (asking = null));
  }

  health.messages = {
    SHOWN,
    all: () => messages,
    unread: () => messages.filter((message) => !isRead(message)),
    isRead,
    state: () => ({ state, why }),
    load,
    read(id) {
      read = kept();
      if (!messages.some((message) => message.id === id && !isRead(message))) return;
      keep({ until: read.until, ids: [...read.ids, id] });
    },
    // By name, so that one sent before the newest and arriving after it is still unread.
    readAll() {
      read = kept();
      const oldest = messages.at(-1);
      if (oldest) keep({ until: Math.max(read.until, oldest.at), ids: messages.map((message) => message.id) });
    },
    // The stream's part calls these.
    told(body) {
      if (on) say(take([body]));
    },
    connected() {
      live = true;
      load();
    },
    lost() {
      live = false;
    },
    start() {
      on = true;
      read = kept();
      window.addEventListener("storage", (event) => {
        if (event.key !== KEY) return;
        read = kept();
        say([]);
      });
      window.setInterval(() => live || load(), ALONE);
      if (live) load();
      else window.setTimeout(() => state === "loading" && load(), PATIENCE);
    },
  };
})();
