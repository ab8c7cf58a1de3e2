// The metrics page: its view in the address, ranges in this browser's time, notes by a click, pictures.
(function () {
  "use strict";
  const health = (window.healthdeck = window.healthdeck || {});
  const LISTS = { metric: "metric", vps: "vps", tenant: "tenant", marks: "marks" };
  const USUAL_MARKS = ["deployment", "incident", "maintenance", "note"];
  const PATH = /\/health\/metrics\/?$/;
  const when = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  let view = null; // what is on the screen

  function set(id, props) {
    window.dash_clientside.set_props(id, props);
  }

  function change(some) {
    if (view) set("metrics-view", { data: { ...view, ...some } });
  }

  const iso = (seconds) => new Date(seconds * 1000).toISOString();
  const rolling = () => !view.zoom && view.to === "now" && view.from.startsWith("now");

  // The address that shows the same again. What is as usual is left out.
  function address() {
    const query = new URLSearchParams();
    const { zoom } = view;
    query.set("metric", view.metric.join(","));
    if (view.vps.length) query.set("vps", view.vps.join(","));
    if (view.tenant.length) query.set("tenant", view.tenant.join(","));
    query.set("from", zoom ? iso(zoom.start) : view.from);
    query.set("to", zoom ? iso(zoom.end) : view.to);
    if (view.layout !== "overlay") query.set("layout", view.layout);
    if (view.compare) query.set("compare", view.compare);
    if (view.marks.join() !== USUAL_MARKS.join()) query.set("marks", view.marks.join(","));
    if (!view.band) query.set("band", "0");
    if (view.paused) query.set("paused", "1");
    // what belongs to no page (kiosk, embed) stays
    const mine = new Set([...Object.keys(LISTS), "from", "to", "layout", "compare", "band", "paused"]);
    new URLSearchParams(window.location.search).forEach((value, name) => mine.has(name) || query.set(name, value));
    return `${window.location.pathname}?${query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":")}`;
  }

  // ---- a range of one's own, in this browser's time ----
  const two = (number) => String(number).padStart(2, "0");

  function field(ms) {
    const d = new Date(ms);
    return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`;
  }

  function moment(text) {
    const units = { m: 60, h: 3600, d: 86400, w: 604800 };
    const found = /^now(?:-(\d+)([mhdw]))?$/.exec(text);
    return found ? Date.now() - (found[1] ? Number(found[1]) * units[found[2]] * 1000 : 0) : Date.parse(text);
  }

  function element(tag, props, ...children) {
    const made = Object.assign(document.createElement(tag), props);
    made.append(...children);
    return made;
  }

  function own() {
    const place = document.querySelector("[data-metrics-own]");
    if (!place || place.childElementCount) return place;
    const input = (name) => element("input", { type: "datetime-local", name, required: true, className: "form-control form-control-sm" });
    const error = element("p", { className: "own-error" });
    error.setAttribute("role", "alert");
    const form = element(
      "form",
      { noValidate: true },
      element("label", {}, element("span", { textContent: "From" }), input("from")),
      element("label", {}, element("span", { textContent: "To" }), input("to")),
      error,
      element("button", { type: "submit", className: "btn btn-primary btn-sm", textContent: "Show" }),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const [from, to] = ["from", "to"].map((name) => new Date(form.elements[name].value).getTime());
      const right = from < to;
      error.textContent = right ? "" : "Choose two times; From must lie before To.";
      if (!right) return;
      form.closest("details").querySelector("summary").click();
      unzoom();
      change({ from: iso(from / 1000), to: iso(to / 1000), zoom: null });
    });
    place.append(form);
    return place;
  }

  function unzoom() {
    const ends = element("i", { hidden: true });
    ends.dataset.unzoom = "metrics";
    document.body.append(ends);
    ends.click(); // charts.js forgets the steps
    ends.remove();
  }

  // ---- what the controls say ----
  function tell() {
    document.querySelectorAll("[data-metrics-range]").forEach((button) => {
      button.setAttribute("aria-pressed", String(!view.zoom && view.to === "now" && view.from === button.dataset.metricsRange));
    });
    const form = own() && own().firstChild;
    if (form && !form.contains(document.activeElement)) {
      form.elements.from.value = field(view.zoom ? view.zoom.start * 1000 : moment(view.from));
      form.elements.to.value = field(view.zoom ? view.zoom.end * 1000 : moment(view.to));
    }
    const pause = document.getElementById("metrics-pause");
    const state = document.getElementById("metrics-state");
    if (!pause || !state) return;
    const moves = rolling();
    pause.hidden = !moves;
    pause.lastChild.textContent = view.paused ? "Go on" : "Pause";
    pause.firstChild.className = `icon icon-${view.paused ? "play" : "pause"}`;
    const range = view.zoom ? [view.zoom.start * 1000, view.zoom.end * 1000] : [moment(view.from), moment(view.to)];
    const fixed = `${when.format(range[0])} – ${when.format(range[1])}`;
    document.querySelector(".metrics-live").dataset.paused = String(moves && view.paused);
    state.textContent = moves ? (view.paused ? `Paused at ${when.format(Date.now())}` : "Moves on with every reading") : fixed;
  }

  // ---- notes ----
  function note(ms) {
    set("metrics-note-at", { data: ms / 1000 });
    const place = document.getElementById("metrics-note-when");
    set("metrics-note-when", { children: when.format(ms) });
    set("metrics-note", { is_open: true });
    if (place) place.textContent = when.format(ms);
  }

  function clicked(plot) {
    plot.on("plotly_click", (data) => {
      if (data.xvals && data.xvals.length) note(health.epoch(data.xvals[0]));
    });
  }

  // ---- pictures ----
  function picture(card) {
    const plot = card.querySelector(".js-plotly-plot");
    const [named, unit] = [...card.querySelector("h2").childNodes].map((part) => part.textContent);
    const title = unit ? `${named} (${unit})` : named;
    const { width, height } = plot.getBoundingClientRect();
    const ground = health.colour("var(--surface)");
    const layout = {
      ...plot.layout,
      paper_bgcolor: ground,
      plot_bgcolor: ground,
      showlegend: plot.data.filter((trace) => trace.showlegend !== false).length > 1,
      title: { text: title, x: 0.02, y: 0.97, yanchor: "top", font: { size: 15, color: health.colour("var(--ink)") } },
      margin: { ...plot.layout.margin, t: 56, b: 72 },
    };
    const filename = `healthdeck-${named.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase()}`;
    return window.Plotly.downloadImage({ data: plot.data, layout }, { format: "png", scale: 2, width: Math.max(720, width), height: height + 90, filename });
  }

  document.addEventListener("healthdeck:plot", (event) => {
    if (event.target.closest(".metrics")) clicked(event.target);
  });

  document.addEventListener("click", (event) => {
    if (!view || !event.target.closest) return;
    const preset = event.target.closest("[data-metrics-range]");
    if (preset) change({ from: preset.dataset.metricsRange, to: "now", zoom: null, paused: false });
    if (event.target.closest("#metrics-pause")) change({ paused: !view.paused });
    if (event.target.closest("[data-metrics-note]")) note(Date.now());
    if (event.target.closest("[data-metrics-png]")) [...document.querySelectorAll(".metric-card")].reduce((before, card) => before.then(() => picture(card)), Promise.resolve());
    document.querySelectorAll(".export[open], .own[open]").forEach((menu) => {
      if (!menu.contains(event.target) || event.target.closest(".export-menu")) menu.querySelector("summary").click(); // keep.js hears of it
    });
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, {
    metricsChosen(metric, vps, tenant, layout, compare, marks, band, zoom, before) {
      const same = window.dash_clientside.no_update;
      if (!before) return same;
      const chosen = { metric, vps, tenant, layout, compare: compare === "none" ? "" : compare, marks, band: band.includes("band"), zoom: zoom && zoom.end ? zoom : null };
      if (!metric || !metric.length) chosen.metric = ["cpu"];
      const after = { ...before, ...chosen };
      return JSON.stringify(after) === JSON.stringify(before) ? same : after;
    },
    metricsShown(now) {
      const same = window.dash_clientside.no_update;
      if (!now || !PATH.test(window.location.pathname)) return same;
      view = now;
      window.history.replaceState(window.history.state, "", address());
      tell();
      return same;
    },
    metricsCancel: () => false,
  });
})();
