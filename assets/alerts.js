// The page of alerts: which ones are ticked, filters in the address, and the drawer's focus and keys.
(function () {
  "use strict";
  const FOCUSABLE = "a[href]:not([tabindex='-1']), button:not([disabled]), summary, select, textarea, input, [tabindex='0']";
  const DEFAULTS = { range: "7d", sort: ["-severity", "-resolvedAt"] };
  const ANY = "any"; // a choice that asks for nothing
  const picked = new Set(); // ids of the ticked alerts
  let opened = ""; // what the drawer shows
  let told = "[]"; // what the server's part knows of the ticked ones

  const byId = (id) => document.getElementById(id);
  const boxes = () => Array.from(document.querySelectorAll("[data-pick]:not([data-pick='all'])"));

  // Dash hears of it as of a link of its own, and the page stays where it is scrolled to.
  function go(href) {
    if (href === window.location.href) return;
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  // ---- ticked alerts ----
  function check(box, on) {
    if (box.getAttribute("aria-checked") !== String(on)) box.setAttribute("aria-checked", String(on));
  }

  function drawPicked() {
    const bulk = byId("alerts-bulk");
    if (!bulk) return picked.clear();
    const here = boxes();
    const ids = new Set(here.map((box) => box.dataset.pick));
    picked.forEach((id) => ids.has(id) || picked.delete(id));
    here.forEach((box) => check(box, picked.has(box.dataset.pick)));
    const all = document.querySelector("[data-pick='all']");
    if (all) check(all, ids.size > 0 && picked.size === ids.size);
    const words = `${picked.size} selected`;
    if (bulk.hidden !== !picked.size) bulk.hidden = !picked.size;
    if (byId("alerts-picked-count").textContent !== words) byId("alerts-picked-count").textContent = words;
    const now = JSON.stringify(Array.from(picked));
    if (now === told) return;
    told = now;
    window.dash_clientside.set_props("alerts-picked", { data: Array.from(picked) });
  }

  function pick(box) {
    if (box.dataset.pick === "all") {
      const every = box.getAttribute("aria-checked") !== "true";
      boxes().forEach(({ dataset }) => (every ? picked.add(dataset.pick) : picked.delete(dataset.pick)));
    } else if (!picked.delete(box.dataset.pick)) picked.add(box.dataset.pick);
    drawPicked();
  }

  // ---- the drawer ----
  function dialog() {
    const host = byId("alerts-drawer");
    return host && !host.hidden ? host.querySelector("[role='dialog']") : null;
  }

  function asking() {
    return document.querySelector(".modal.show");
  }

  // What had the keyboard may be gone from the drawer once that is drawn anew.
  function hold() {
    if (dialog() && !asking() && document.activeElement === document.body) dialog().focus({ preventScroll: true });
  }

  // Opened: the keyboard goes into it. Closed: back to where it was opened from.
  function follow() {
    const host = byId("alerts-drawer");
    const now = host ? host.dataset.drawer || "" : "";
    document.documentElement.classList.toggle("has-drawer", Boolean(now));
    if (now) window.setTimeout(hold); // after assets/keep.js, which knows better where the keyboard was
    if (now === opened) return;
    const before = opened;
    opened = now;
    if (now) return dialog() && dialog().focus({ preventScroll: true });
    const link = host && document.querySelector(`[data-opens="${CSS.escape(before)}"]`);
    if (link) link.focus({ preventScroll: true });
  }

  function keep(event) {
    const inside = Array.from(dialog().querySelectorAll(FOCUSABLE)).filter((one) => one.offsetParent);
    const [first, last] = [inside[0], inside[inside.length - 1]];
    const at = document.activeElement;
    const out = !dialog().contains(at) || at === dialog();
    if (event.shiftKey && (at === first || out)) last.focus();
    else if (!event.shiftKey && (at === last || !dialog().contains(at))) first.focus();
    else return;
    event.preventDefault();
  }

  function pressed(event) {
    const panel = byId("bell-panel");
    if (!dialog() || asking() || (panel && !panel.hidden)) return;
    if (event.key === "Escape" && !event.defaultPrevented) go(dialog().querySelector("[data-close]").href);
    else if (event.key === "Tab") keep(event);
  }

  function clicked(event) {
    const box = event.target.closest("[data-pick]");
    if (box) return pick(box);
    if (event.target.closest("[data-pick-none]")) {
      picked.clear();
      return drawPicked();
    }
    const report = event.target.closest("[data-postmortem]");
    if (report) {
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      report.href = `${report.href.split("?")[0]}?timeZone=${encodeURIComponent(zone)}`;
    }
    const link = event.target.closest("a[data-stay]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(link.href);
  }

  // ---- for Dash ----
  function said(states) {
    return Object.fromEntries(states.flat().filter(({ id }) => id && id.field).map(({ id, value }) => [id.field, value]));
  }

  function until(wait, moment) {
    if (wait === "until") return moment ? new Date(moment).getTime() / 1000 : null;
    if (wait !== "tomorrow") return Date.now() / 1000 + 60 * Number(wait);
    const day = new Date();
    return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1, 8).getTime() / 1000;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, {
    alertsDecide(clicks, asked) {
      if (!clicks || !asked) return window.dash_clientside.no_update;
      const words = said(window.dash_clientside.callback_context.states_list);
      return {
        act: asked.act === "note" ? "acknowledge" : asked.act,
        ids: asked.ids,
        note: (words.note || "").trim(),
        until: words.wait ? until(words.wait, words.until) : null,
        false: words.false === true,
        stamp: Date.now(),
      };
    },
    alertsClose(clicks) {
      return clicks ? false : window.dash_clientside.no_update;
    },
    alertsFilter() {
      const query = new URLSearchParams(window.location.search);
      const before = query.toString();
      window.dash_clientside.callback_context.inputs_list[0].forEach(({ id, value: chosen }) => {
        const value = chosen === ANY ? "" : chosen;
        const usual = [].concat(DEFAULTS[id.name] || []).includes(value) && !query.has(id.name);
        if (value && !usual) query.set(id.name, value);
        else query.delete(id.name);
      });
      if (query.toString() !== before) {
        query.delete("pages");
        query.delete("alert");
        go(`${window.location.pathname}?${query}`);
      }
      return window.dash_clientside.no_update;
    },
    alertsActed(at) {
      if (!at) return window.dash_clientside.no_update;
      picked.clear();
      told = "[]";
      drawPicked();
      return [];
    },
  });

  document.addEventListener("click", clicked);
  document.addEventListener("keydown", pressed);
  new MutationObserver(() => {
    drawPicked();
    follow();
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-drawer", "hidden"] });
})();
