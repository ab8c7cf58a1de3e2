// The list of servers and a server's page: rows to filter, logs to search, names to type.
(function () {
  "use strict";
  const NARROW = window.matchMedia("(max-width: 700px)");
  const WORDS = ["unhealthy", "degraded", "unknown", "healthy"]; // by rank, worst first
  const none = () => window.dash_clientside.no_update;
  const React = () => window.React;

  // What is in the address stays there without a new drawing of the page.
  function address(values) {
    const url = new URL(window.location.href);
    Object.entries(values).forEach(([name, value]) => (value ? url.searchParams.set(name, value) : url.searchParams.delete(name)));
    window.history.replaceState(window.history.state, "", url);
  }

  // To another of our pages, as dcc.Link goes there.
  function go(href) {
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  function words(row) {
    return [row.id, row.name, row.region, row.provider, ...(row.tags || [])].join("\n").toLowerCase();
  }

  function copied(button, text) {
    const done = () => {
      button.textContent = "Copied";
      window.setTimeout(() => (button.textContent = "Copy"), 2000);
    };
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text).then(done, () => {});
    const area = Object.assign(document.createElement("textarea"), { value: text });
    button.parentElement.append(area);
    area.select();
    if (document.execCommand("copy")) done();
    area.remove();
    button.focus();
  }

  // A line with what was searched for marked in it; the number of places.
  function marked(place, line, wanted) {
    let from = 0;
    let found = 0;
    if (wanted) {
      const lower = line.toLowerCase();
      for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
        place.append(line.slice(from, at), Object.assign(document.createElement("mark"), { textContent: line.slice(at, at + wanted.length) }));
        from = at + wanted.length;
        found += 1;
      }
    }
    place.append(line.slice(from));
    return found;
  }

  // The drawer's content is there a moment after it was opened.
  function write(data, search) {
    const place = document.getElementById("service-log-lines-shown");
    if (!place) return window.requestAnimationFrame(() => document.querySelector(".log-drawer") && write(data, search));
    const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
    const wanted = (search || "").toLowerCase();
    const fragment = document.createDocumentFragment();
    data.log.replace(/\n$/, "").split("\n").forEach((line) => {
      const row = document.createElement("div");
      if (marked(row, line, wanted)) row.className = "is-found";
      fragment.append(row);
    });
    place.replaceChildren(fragment);
    const first = wanted && place.querySelector("mark");
    if (first) first.scrollIntoView({ block: "nearest" });
    else if (atEnd || data.follow) place.scrollTop = place.scrollHeight;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, {
    vps_rows(rows, search, state) {
      const field = document.getElementById("vps-search");
      if (field) field.dataset.search = "";
      const wanted = (search || "").trim().toLowerCase();
      const only = state === "any" ? "" : state;
      address({ q: wanted, state: only, add: "" });
      const found = (rows || []).filter((row) => (!only || row.status === only) && (!wanted || words(row).includes(wanted)));
      return [found, Boolean(found.length || !rows || !rows.length)];
    },
    vps_columns(wide, columns) {
      return NARROW.matches ? columns.filter(({ field }) => !wide.includes(field)) : none();
    },
    vps_range(range) {
      address({ range });
    },
    is_typed(typed, wanted) {
      return typed !== wanted;
    },
    restart_ready(typed, asked, job) {
      return Boolean(job) || !asked || typed !== asked.service;
    },
    show_log(data, search, isOpen) {
      if (!isOpen || !data) return "";
      write(data, search);
      const wanted = (search || "").toLowerCase();
      if (!wanted) return "";
      const places = data.log.toLowerCase().split(wanted).length - 1;
      return places === 1 ? "1 place" : `${places} places`;
    },
    download_log(clicks, data) {
      if (!clicks || !data || !data.log) return;
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([data.log], { type: "text/plain" })), download: `${data.name}.log` });
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    },
  });

  // ---- cells of the table ----
  const make = (...parts) => React().createElement(...parts);
  const DASH = "\u2013";
  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  Object.assign(cells, {
    VpsName: ({ data }) => make("a", { href: data.href, className: "cell-name", title: data.id }, data.name),
    VpsState: ({ value, data }) => make("span", { className: `status is-${WORDS[value]}`, title: data.reason }, make("i", { className: "mark", "aria-hidden": true }), WORDS[value]),
    VpsShare: ({ value }) => (value === null || value === undefined ? DASH : `${Math.round(value)}\u00a0%`),
    VpsLoad: ({ value }) => (value === null || value === undefined ? DASH : value.toFixed(2)),
    VpsServices: ({ data }) => (data.services ? `${data.servicesHealthy} of ${data.services}` : DASH),
    VpsSeen: ({ value }) => (value ? make("time", { dateTime: value, "data-form": "ago" }, value.slice(11, 16)) : "never"),
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) return copied(button, document.querySelector(button.dataset.copy).textContent);
    const row = event.target.closest(".vps-table .ag-row");
    const link = row && row.querySelector(".cell-name");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || String(window.getSelection())) return;
    event.preventDefault();
    go(link.getAttribute("href"));
  });
})();
