// The browser's own notifications, once the reader has asked for them: of what comes while no tab
// of ours is on the screen.
(function () {
  "use strict";
  const KEY = "healthdeck.computer";
  const ON_SCREEN = "healthdeck.on-screen"; // a lock that every tab holds while it is looked at
  const SEVERITIES = ["critical", "warning", "resolved"];
  const SECURE = window.isSecureContext && "Notification" in window;
  const health = (window.healthdeck = window.healthdeck || {});
  const shown = new Map(); // notifications by the message's id
  let refusal = ""; // of this browser, when it was tried
  let wish = false;
  let release = null;

  function wished() {
    try {
      return window.localStorage.getItem(KEY) === "on";
    } catch {
      return wish; // storage is forbidden: as long as the page
    }
  }

  function want(on) {
    wish = on;
    try {
      window.localStorage.setItem(KEY, on ? "on" : "off");
    } catch {
      // The wish then lasts as long as the page.
    }
  }

  function isOn() {
    return SECURE && !refusal && wished() && window.Notification.permission === "granted";
  }

  function words() {
    if (!window.isSecureContext) return "For this Healthdeck must be opened by https; browsers allow it nowhere else.";
    if (!SECURE) return "This browser shows no messages outside of its window.";
    if (refusal) return refusal;
    if (window.Notification.permission === "denied") return "This browser blocks it. Allow notifications for this site in the browser's settings, left of the address.";
    return isOn() ? "On in this browser: critical, warning and resolved." : "";
  }

  function draw() {
    const button = document.getElementById("bell-computer");
    const why = document.getElementById("bell-computer-why");
    button.setAttribute("aria-checked", String(isOn()));
    button.disabled = !SECURE || Boolean(refusal) || window.Notification.permission === "denied";
    if (why.textContent !== words()) why.textContent = words();
  }

  // Asks only here: a browser that was told no does not ask again.
  async function toggle() {
    const on = !isOn();
    if (on && window.Notification.permission === "default") await window.Notification.requestPermission();
    want(on && window.Notification.permission === "granted");
    draw();
  }

  // Several tabs show one: the tag replaces what another tab has shown.
  function show(message) {
    const word = message.severity[0].toUpperCase() + message.severity.slice(1);
    try {
      const note = new window.Notification(`${word}: ${message.title}`, { body: message.text, tag: message.id });
      shown.set(message.id, note);
      note.addEventListener("close", () => shown.delete(message.id));
      note.addEventListener("click", () => {
        window.focus();
        note.close();
        health.messages.read(message.id);
        if (message.alertId) health.bell.open(message.alertId);
      });
    } catch {
      refusal = "This browser shows messages of installed apps alone."; // as on Android
      draw();
    }
  }

  function hold() {
    if (!SECURE || !window.navigator.locks) return;
    if (document.hidden && release) release = release();
    if (document.hidden || release) return;
    const hidden = new Promise((resolve) => (release = () => void resolve()));
    window.navigator.locks.request(ON_SCREEN, { mode: "shared" }, () => hidden).catch(() => {});
  }

  async function isSeen() {
    if (!document.hidden) return true;
    try {
      const { held } = await window.navigator.locks.query();
      return held.some((lock) => lock.name === ON_SCREEN);
    } catch {
      return false; // locks are missing or forbidden: better told twice
    }
  }

  async function told(event) {
    health.messages.all().filter(health.messages.isRead).forEach(({ id }) => shown.has(id) && shown.get(id).close());
    const fresh = event.detail.fresh.filter((message) => SEVERITIES.includes(message.severity));
    if (fresh.length && isOn() && !(await isSeen())) fresh.forEach(show);
  }

  async function watchPermission() {
    if (!SECURE || !window.navigator.permissions) return;
    const permission = await window.navigator.permissions.query({ name: "notifications" });
    permission.addEventListener("change", draw);
  }

  // Called by the bell's part, which a page in a frame has not.
  health.computer = {
    start() {
      document.addEventListener("healthdeck:messages", told);
      document.addEventListener("healthdeck:bell", draw);
      document.addEventListener("visibilitychange", hold);
      document.getElementById("bell-computer").addEventListener("click", toggle);
      window.addEventListener("storage", (event) => event.key === KEY && draw());
      draw();
      hold();
      watchPermission();
    },
  };
})();
