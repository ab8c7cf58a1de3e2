// A server as the overview draws it: a card, a tile, or a row of the table. From a row of
// services/views/roster.py to HTML; nothing here knows the page.
(function () {
  "use strict";
  const health = (window.healthdeck = window.healthdeck || {});
  const NBSP = "\u00a0";
  const WIDTH = 117; // of a course's own grid; the browser stretches it
  const HEIGHT = 22;
  const EDGE = 1.5;
  const SCALES = [[1, "B/s"], [1e3, "kB/s"], [1e6, "MB/s"], [1e9, "GB/s"]];
  const RESOURCES = [["cpu", "CPU"], ["memory", "Memory"], ["disk", "Disk"]];
  const UNSAFE = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

  const esc = (text) => String(text).replace(/[&<>"']/g, (c) => UNSAFE[c]);
  const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(value)}${NBSP}%`);
  const short = (value) => value.toFixed(value >= 99.95 ? 0 : 1);
  const count = (number, noun) => `${number}${NBSP}${noun}${number === 1 ? "" : "s"}`;
  const address = (base, row) => `${base}/vps/${encodeURIComponent(row.id)}`;

  function took(ms) {
    if (ms === null) return "";
    if (ms >= 1000) return `${(ms / 1000).toFixed(1)}${NBSP}s`;
    return ms >= 1 ? `${ms.toFixed(0)}${NBSP}ms` : `<1${NBSP}ms`;
  }

  function mark(status) {
    return `<span class="status is-${status}"><i class="mark" aria-hidden="true"></i><span>${status}</span></span>`;
  }

  function moment(seconds, form) {
    const date = new Date(Math.floor(seconds) * 1000).toISOString();
    return `<time datetime="${date}" data-form="${form}">${date.slice(11, 16)} UTC</time>`;
  }

  // The unbroken stretches of a course of percentages as one path; a gap is a gap.
  function path(course) {
    const last = Math.max(1, course.length - 1);
    let pen = "M";
    return course
      .map((value, index) => {
        if (value === null) {
          pen = "M";
          return "";
        }
        const level = Math.min(100, Math.max(0, value)) / 100;
        const x = ((index / last) * WIDTH).toFixed(1);
        const y = (EDGE + (1 - level) * (HEIGHT - 2 * EDGE)).toFixed(1);
        const alone = pen === "M" && (index === last || course[index + 1] === null);
        const step = `${pen}${x} ${y}${alone ? "h.1" : ""}`;
        pen = "L";
        return step;
      })
      .join("");
  }

  function course(values, hot) {
    const line = values ? path(values) : "";
    const inside = line
      ? `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none"><path d="${line}" vector-effect="non-scaling-stroke"/></svg>`
      : "";
    return `<span class="spark${hot ? " is-hot" : ""}${line ? "" : " is-empty"}" aria-hidden="true">${inside}</span>`;
  }

  function detail(row, name) {
    if (name === "cpu") return row.cores ? count(row.cores, "core") : "";
    const gauge = row.gauges[name];
    if (!gauge || gauge.used === null || gauge.total === null) return "";
    return `${short(gauge.used)} of ${short(gauge.total)}${NBSP}${gauge.unit}`;
  }

  function gauge(row, [name, label]) {
    const hot = row.hot.includes(name);
    const more = detail(row, name);
    const values = row.gauges[name] && row.gauges[name].course;
    return `<div class="gauge${hot ? " is-hot" : ""}" data-gauge="${name}"${more ? ` title="${label}: ${more}"` : ""}>
      <span class="label">${label}</span>${course(values, hot)}<span class="value">${percent(row[name])}</span><span class="detail">${more}</span></div>`;
  }

  // Bytes a second that share one unit: ↓ 2.7 ↑ 0.4 MB/s
  function network([received, sent]) {
    if (received === null && sent === null) return "";
    const most = Math.max(received || 0, sent || 0);
    const [scale, unit] = SCALES.find(([size]) => most < size * 999.5) || SCALES[SCALES.length - 1];
    const say = (value) => (value === null ? "–" : scale === 1 ? value.toFixed(0) : short(value / scale));
    const arrow = (sign, word) => `<span aria-hidden="true">${sign}${NBSP}</span><span class="visually-hidden">${word} </span>`;
    return `<span title="Network in and out">${arrow("↓", "received")}${say(received)} ${arrow("↑", "sent")}${say(sent)}${NBSP}${unit}</span>`;
  }

  function traffic(row) {
    const rates = network(row.network);
    if (row.load === null && !rates) return "";
    return `<div class="traffic"><span>Load ${row.load === null ? "–" : row.load.toFixed(2)}</span>${rates}</div>`;
  }

  function runs(row) {
    const lines = row.runs.map(
      (one) => `<li${one.why ? ` title="${esc(one.why)}"` : ""}><span class="name">${esc(one.name)}</span>${mark(one.status)}<span class="share">${esc(took(one.took))}</span></li>`,
    );
    return `<ul class="runs">${lines.join("")}</ul>`;
  }

  function tenants(base, row) {
    const links = row.tenants.map(([id, name]) => `<a href="${base}/tenants/${encodeURIComponent(id)}" data-go>${esc(name)}</a>`);
    return links.length ? `<p>Tenants: ${links.join(", ")}</p>` : "";
  }

  function belongings(base, row) {
    const [all, ill] = row.services;
    const holds = [count(all, "service"), ...(row.tenants.length ? [count(row.tenants.length, "tenant")] : [])].join(" · ");
    const troubled = ill ? `<span class="ill"> · ${ill} not healthy</span>` : "";
    let seen = row.measured ? '<span class="since">never seen</span>' : "";
    if (row.measured && row.seen !== null) seen = `<span class="since"><span class="wide">seen </span>${moment(row.seen, "ago")}</span>`;
    const listed = (row.measured && all ? runs(row) : "") + tenants(base, row);
    if (!listed) return `<div class="belongings plain"><span>${holds}</span>${seen}</div>`;
    return `<details class="belongings"><summary><span>${holds}${troubled}</span><i class="chevron"></i>${seen}</summary><div class="listed">${listed}</div></details>`;
  }

  const hooks = (row) => `data-testid="vps-card" data-vps="${esc(row.id)}" data-status="${row.status}"`;

  function card(base, row) {
    const region = row.region ? `<small>${esc(row.region)}</small>` : "";
    const why = row.why ? `<p>${esc(row.why)}</p>` : "";
    const machine = row.measured ? `<div class="gauges">${RESOURCES.map((one) => gauge(row, one)).join("")}</div>${traffic(row)}` : runs(row);
    return `<article id="server-${esc(row.id)}" class="card vps-card is-${row.status}${row.silent ? " is-silent" : ""}" ${hooks(row)}>
      <div class="vps-head"><h3><a href="${address(base, row)}" data-go>${esc(row.name)}</a>${region}</h3>${mark(row.status)}</div>${why}${machine}${belongings(base, row)}</article>`;
  }

  function tile(base, row) {
    const title = [row.name, row.region, row.why].filter(Boolean).join(" · ");
    return `<a class="tile is-${row.status}" href="${address(base, row)}" data-go title="${esc(title)}" ${hooks(row)}><i class="mark" aria-hidden="true"></i><span class="tile-name">${esc(row.name)}</span><span class="visually-hidden"> ${row.status}</span></a>`;
  }

  function line(base, row) {
    const hot = (name) => (row.hot.includes(name) ? ' class="number is-hot"' : ' class="number"');
    const [all, ill] = row.services;
    const why = row.why ? `<small>${esc(row.why)}</small>` : `<small>${esc(row.region)}</small>`;
    const figures = RESOURCES.map(([name]) => `<td${hot(name)}>${percent(row[name])}</td>`).join("");
    return `<tr class="is-${row.status}" ${hooks(row)}><th scope="row"><a href="${address(base, row)}" data-go>${esc(row.name)}</a>${why}</th><td>${mark(row.status)}</td>${figures}
      <td class="number">${row.load === null ? "–" : row.load.toFixed(1)}</td><td class="number">${ill ? `${all - ill} of ${all}` : all}</td><td class="number">${row.tenants.length}</td></tr>`;
  }

  health.server = { card, tile, line, esc };
})();
