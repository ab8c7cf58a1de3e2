// Charts: the server names colours by their tokens and times by ms since the epoch; here they
// become the theme's colours and this browser's clock.
(function () {
  "use strict";
  const health = (window.healthdeck = window.healthdeck || {});
  const TIMES = ["x", "x0", "x1"];

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

  function paint(figure, _theme) {
    if (!figure) return window.dash_clientside.no_update;
    const axis = figure.layout && figure.layout.xaxis;
    return painted(figure, null, Boolean(axis && axis.type === "date"));
  }

  health.epoch = epoch;
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, { paint });
})();
