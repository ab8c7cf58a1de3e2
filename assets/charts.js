// Charts: the server names colours by their tokens and times by ms since the epoch; here they
// become the theme's colours and this browser's clock. The words of marks get room, and charts of a
// group share the time under the pointer and their zoom.
(function () {
  "use strict";
  const health = (window.healthdeck = window.healthdeck || {});
  const TIMES = ["x", "x0", "x1"];
  const FINGER = window.matchMedia("(pointer: coarse)"); // there a drag moves the page
  const LETTER = 6.2; // px of a letter in a mark's words
  const WORDS = 26; // letters of a mark at most, and at least when there is little room
  const FEWEST = 7;
  const ROWS = 2; // of words above a chart
  const SHORTEST = 10; // s of a zoom
  let drawings = 0;

  // Plotly has no time zones: it shows what a date says in UTC.
  function local(ms) {
    return ms - new Date(ms).getTimezoneOffset() * 60000;
  }

  // The other way round, of what plotly tells of an axis: ms since the epoch.
  function epoch(shown) {
    const ms = typeof shown === "number" ? shown : Date.parse(`${String(shown).replace(" ", "T")}Z`);
    return ms + new Date(ms + new Date(ms).getTimezoneOffset() * 60000).getTimezoneOffset() * 60000;
  }

  const probe = document.createElement("i");
  probe.hidden = true;

  // color-mix and var() as a colour that plotly understands.
  function colour(text) {
    if (!probe.isConnected) document.body.appendChild(probe);
    probe.style.color = "";
    probe.style.color = text;
    const found = window.getComputedStyle(probe).color;
    const mixed = /^color\(srgb ([\d.e-]+) ([\d.e-]+) ([\d.e-]+)(?: \/ ([\d.e-]+))?\)$/.exec(found);
    if (!mixed) return found;
    const [red, green, blue] = mixed.slice(1, 4).map((part) => Math.round(Number(part) * 255));
    return `rgba(${red}, ${green}, ${blue}, ${mixed[4] === undefined ? 1 : mixed[4]})`;
  }

  function words(text) {
    if (!text.includes("var(--")) return text;
    if (text === "var(--font)") return window.getComputedStyle(document.body).fontFamily;
    return colour(text);
  }

  function painted(value, key, dated) {
    if (typeof value === "string") return words(value);
    if (Array.isArray(value)) {
      if (dated && (TIMES.includes(key) || key === "range")) return value.map((one) => (typeof one === "number" ? local(one) : one));
      return value.length && typeof value[0] === "number" ? value : value.map((one) => painted(one, null, dated));
    }
    if (value === null || typeof value !== "object") return dated && TIMES.includes(key) && typeof value === "number" ? local(value) : value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, painted(one, name, dated && value.xref !== "paper" && name !== "yaxis")]));
  }

  // The words of marks beside each other in rows above the chart, cut where it is narrow; those
  // without room are left to the pointer. x, range: ms since the epoch.
  function placed(notes, [start, end], width) {
    const ends = [];
    const kept = [];
    const marks = notes.filter((note) => note.name === "mark" && note.x >= start && note.x <= end);
    for (const mark of [...marks].sort((a, b) => a.x - b.x)) {
      const at = ((mark.x - start) / (end - start)) * width;
      const letters = [...mark.text];
      const right = at + Math.min(letters.length, WORDS) * LETTER > width && at > width / 2;
      for (let row = 0; row < ROWS; row += 1) {
        const free = right ? at - (ends[row] || 0) : width - at;
        const fits = Math.min(letters.length, WORDS, Math.floor(free / LETTER) - 1);
        if ((!right && at < (ends[row] || 0)) || fits < Math.min(letters.length, FEWEST)) continue;
        ends[row] = right ? at + 6 : at + fits * LETTER + 10;
        const text = fits < letters.length ? `${letters.slice(0, fits - 1).join("")}…` : mark.text;
        kept.push({ ...mark, text, xanchor: right ? "right" : "left", yshift: row * 15 });
        break;
      }
    }
    return { notes: [...notes.filter((note) => note.name !== "mark"), ...kept], rows: ends.length };
  }

  // What was zoomed to, by group. Charts of pages that come and go may have the same: what belonged
  // to one that is gone is forgotten.
  const groups = new Map();

  function holder(group) {
    return document.querySelector(`[data-zoom="${window.CSS.escape(group)}"]`);
  }

  function zoomOf(group) {
    const place = holder(group) || document.querySelector(`[data-group="${window.CSS.escape(group)}"]`);
    const known = groups.get(group);
    if (known && known.place === place) return known;
    const fresh = { place, base: null, ranges: [] };
    groups.set(group, fresh);
    return fresh;
  }

  const near = (a, b) => Math.abs(a[1] - a[0] - (b[1] - b[0])) <= 1 + 0.02 * (b[1] - b[0]);

  // The range of a chart that is drawn anew: a page that reads finer points knows it; elsewhere what
  // was zoomed to stays until another range is chosen.
  function kept(group, range) {
    const zoom = zoomOf(group);
    if (!zoom.ranges.length || !zoom.base) return range;
    const asked = range.map((ms) => ms / 1000);
    const same = near(asked, zoom.base);
    if (!same && !zoom.ranges.some((one) => near(asked, one))) reset(group);
    else if (same && !holder(group)) return zoom.ranges[zoom.ranges.length - 1].map((s) => s * 1000);
    return range;
  }

  function reset(group) {
    const zoom = zoomOf(group);
    zoom.ranges = [];
    zoom.base = null;
    button(group);
  }

  function button(group) {
    const found = holder(group);
    const back = found && found.querySelector(".step-back");
    if (back) back.hidden = !zoomOf(group).ranges.length;
  }

  function paint(figure, _theme) {
    if (!figure) return window.dash_clientside.no_update;
    const axis = figure.layout && figure.layout.xaxis;
    const dated = Boolean(axis && axis.type === "date");
    return painted(dated ? fitted(figure) : figure, null, dated);
  }

  // The chart for the room that it has here.
  function fitted(figure) {
    const context = window.dash_clientside.callback_context;
    const target = context && context.outputs_list && context.outputs_list.id;
    const element = target && document.querySelector(`[data-chart="${window.CSS.escape(target.chart)}"]`);
    const layout = { ...figure.layout, xaxis: { ...figure.layout.xaxis, uirevision: (drawings += 1) } };
    if (FINGER.matches) layout.dragmode = false;
    const width = ((element && element.clientWidth) || 700) - 56;
    layout.xaxis.nticks = Math.max(3, Math.min(9, Math.floor(width / 60)));
    const range = layout.xaxis.range;
    if (!range) return { ...figure, layout };
    if (element && element.dataset.group) layout.xaxis.range = kept(element.dataset.group, range);
    const { notes, rows } = placed(layout.annotations || [], layout.xaxis.range, width);
    layout.annotations = notes;
    layout.margin = { ...layout.margin, t: (layout.margin ? layout.margin.t : 8) + rows * 15 };
    return { ...figure, layout };
  }

  // ---- what charts of a group share ----
  function plots(group) {
    const found = document.querySelectorAll(`[data-group="${window.CSS.escape(group)}"] .js-plotly-plot`);
    return [...found].filter((plot) => plot._fullLayout && plot._fullLayout.xaxis);
  }

  function shift(group, [start, end], except) {
    const range = [local(start * 1000), local(end * 1000)];
    plots(group).forEach((plot) => plot !== except && window.Plotly.relayout(plot, { "xaxis.range": range }));
  }

  function say(group) {
    const range = zoomOf(group).ranges[zoomOf(group).ranges.length - 1];
    button(group);
    if (!holder(group)) return;
    const data = range ? { start: range[0], end: range[1] } : {}; // a store keeps what it has when it gets null
    window.dash_clientside.set_props({ type: "chart-zoom", group }, { data });
  }

  function zoomTo(plot, group, before, range) {
    const zoom = zoomOf(group);
    const middle = (range[0] + range[1]) / 2;
    const half = Math.max(range[1] - range[0], SHORTEST) / 2;
    zoom.base = zoom.base || before;
    zoom.ranges.push([middle - half, middle + half]);
    shift(group, zoom.ranges[zoom.ranges.length - 1], plot);
    say(group);
  }

  function stepBack(group) {
    const zoom = zoomOf(group);
    if (!zoom.ranges.length) return;
    zoom.ranges.pop();
    shift(group, zoom.ranges[zoom.ranges.length - 1] || zoom.base);
    if (!zoom.ranges.length) zoom.base = null;
    say(group);
  }

  function seconds(plot) {
    return plot._fullLayout.xaxis.range.map((end) => epoch(end) / 1000);
  }

  function hover(plot, group, shown) {
    plots(group).forEach((other) => {
      if (other === plot) return;
      const axis = other._fullLayout.xaxis;
      const x = axis.d2p(shown);
      if (x < 0 || x > axis._length) window.Plotly.Fx.unhover(other);
      else window.Plotly.Fx.hover(other, { xpx: x, ypx: other._fullLayout.yaxis._length / 2 }, "xy");
    });
  }

  function bind(plot) {
    const group = plot.closest(".chart").dataset.group;
    let before = null; // the range that a drag began with
    let frame = null;
    plot.healthdeckBound = true;
    plot.addEventListener("pointerdown", () => (before = plot._fullLayout.xaxis.type === "date" ? seconds(plot) : null), true);
    plot.on("plotly_relayout", (change) => {
      const ends = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (ends.includes(undefined) || plot._fullLayout.xaxis.type !== "date") return;
      zoomTo(plot, group, before || seconds(plot), ends.map((end) => epoch(end) / 1000));
    });
    plot.on("plotly_doubleclick", () => stepBack(group));
    plot.on("plotly_hover", ({ xvals, points }) => {
      window.cancelAnimationFrame(frame);
      const at = xvals && xvals.length ? xvals[0] : points[0].x;
      frame = window.requestAnimationFrame(() => hover(plot, group, at));
    });
    plot.on("plotly_unhover", () => {
      window.cancelAnimationFrame(frame);
      plots(group).forEach((other) => other !== plot && window.Plotly.Fx.unhover(other));
    });
    plot.dispatchEvent(new CustomEvent("healthdeck:plot", { bubbles: true }));
  }

  new MutationObserver(() => {
    document.querySelectorAll(".chart .js-plotly-plot").forEach((plot) => {
      if (!plot.healthdeckBound && typeof plot.on === "function" && plot._fullLayout) bind(plot);
    });
  }).observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("click", (event) => {
    const back = event.target.closest(".step-back");
    const ends = event.target.closest("[data-unzoom]");
    if (back) stepBack(back.closest("[data-zoom]").dataset.zoom);
    if (!ends || !zoomOf(ends.dataset.unzoom).ranges.length) return;
    reset(ends.dataset.unzoom);
    say(ends.dataset.unzoom);
  });

  Object.assign(health, { epoch, local, colour });
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, { paint });
})();
