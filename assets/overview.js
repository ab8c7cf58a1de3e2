// The overview in the browser: the servers from the rows that the server sends, with filter, search
// and form; the address keeps them. Rows that did not change stay as they are.
(function () {
  "use strict";
  const health = (window.healthdeck = window.healthdeck || {});
  const FORM_KEY = "healthdeck.overview.form";
  const RANK = { unhealthy: 0, degraded: 1, unknown: 2, healthy: 3 };
  const STATES = [["", "All"], ["unhealthy", "Down"], ["degraded", "Degraded"], ["unknown", "Unknown"]];
  const FORMS = [["cards", "Cards"], ["tiles", "Tiles"], ["table", "Table"]];
  const COLUMNS = [["name", "Server"], ["status", "State"], ["cpu", "CPU"], ["memory", "Memory"], ["disk", "Disk"], ["load", "Load"], ["services", "Services"], ["tenants", "Tenants"]];
  const FEW = 2; // so many servers have the room to be shown large
  const SOME = 3; // from so many on there is something to choose from
  const TRIES = 100; // of 30 ms: the place comes with the same answer as the rows, or a little later

  let rows = new Map(); // id -> row, in the fleet's order
  let full = true; // whether the rows have what cards show
  let place = null; // where they are drawn
  let holder = null; // what holds the drawn ones: a grid, or the body of a table
  let look = ""; // how they are drawn there
  let drawn = new Map(); // id -> {row, element}
  let state = "";
  let words = "";
  let sort = null; // [column, descending] of the table; null: trouble first
  let picked = null; // the form, where the browser forbids storage

  // ---- the address ----
  function readAddress() {
    const asked = new URLSearchParams(window.location.search);
    state = STATES.some(([name]) => name === asked.get("state")) ? asked.get("state") || "" : "";
    words = asked.get("q") || "";
    const form = asked.get("form");
    if (FORMS.some(([name]) => name === form)) picked = form;
  }

  function writeAddress(changes) {
    const url = new URL(window.location.href);
    for (const [name, value] of Object.entries(changes)) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url);
  }

  function form() {
    let kept = picked;
    try {
      kept = kept || window.localStorage.getItem(FORM_KEY);
    } catch {
      // storage is forbidden: the page remembers
    }
    if (kept === "table" || kept === "tiles") return kept;
    return full ? "cards" : "tiles";
  }

  function choose(name) {
    picked = name;
    try {
      window.localStorage.setItem(FORM_KEY, name);
    } catch {
      // as above
    }
    writeAddress({ form: name });
    draw();
  }

  // ---- which ones, in which order ----
  function matches(row, asked) {
    if (state && row.status !== state) return false;
    if (!asked.length) return true;
    row.text = row.text || [row.name, row.id, row.region, ...row.tenants.flat(), ...(row.runs || []).map((one) => one.name)].join(" ").toLowerCase();
    return asked.every((word) => row.text.includes(word));
  }

  function value(row, column) {
    if (column === "name") return row.name;
    if (column === "status") return RANK[row.status];
    if (column === "services") return row.services[1] * 1000 + row.services[0];
    if (column === "tenants") return row.tenants.length;
    return row[column] === null ? -1 : row[column];
  }

  function compare(a, b) {
    if (!sort || look !== "table") return RANK[a.status] - RANK[b.status];
    const [x, y] = [value(a, sort[0]), value(b, sort[0])];
    const order = typeof x === "string" ? x.localeCompare(y, undefined, { numeric: true }) : x - y;
    return sort[1] ? -order : order;
  }

  function chosen() {
    const asked = words.toLowerCase().split(/\s+/).filter(Boolean);
    return Array.from(rows.values()).filter((row) => matches(row, asked)).sort(compare);
  }

  // ---- drawing ----
  function element(html) {
    const made = document.createElement("template");
    made.innerHTML = html;
    return made.content.firstElementChild;
  }

  const draws = () => health.server[look === "table" ? "line" : look === "tiles" ? "tile" : "card"];

  function heading([name, label]) {
    const now = sort && sort[0] === name ? (sort[1] ? "descending" : "ascending") : "none";
    return `<th scope="col" aria-sort="${now}"${name === "name" || name === "status" ? "" : ' class="number"'}><button type="button" data-sort="${name}">${label}</button></th>`;
  }

  function hold() {
    const few = look === "cards" && rows.size <= FEW;
    drawn = new Map();
    if (look === "table") {
      place.replaceChildren(element(`<div class="card table-holder" tabindex="0" role="group" aria-label="Servers"><table class="fleet-table"><thead><tr></tr></thead><tbody></tbody></table></div>`));
      holder = place.querySelector("tbody");
    } else {
      holder = element(`<div class="${look === "tiles" ? "tiles" : "vps-grid"}"${few ? ' data-few="yes"' : ""}></div>`);
      place.replaceChildren(holder);
    }
    place.append(element('<div class="card empty fleet-empty" hidden><p class="empty-what"></p><button type="button" class="plain" data-show-all>Show all servers</button></div>'));
    holder.dataset.few = few ? "yes" : "";
    if (!few) delete holder.dataset.few;
  }

  function fill(found) {
    const base = place.dataset.inside;
    const html = draws();
    if (!drawn.size) {
      holder.innerHTML = found.map((row) => html(base, row)).join("");
      found.forEach((row, index) => drawn.set(row.id, { row, element: holder.children[index] }));
      return;
    }
    const gone = new Map(drawn);
    let next = holder.firstElementChild; // which stands where the row in hand belongs
    found.forEach((row) => {
      let one = drawn.get(row.id);
      gone.delete(row.id);
      if (!one || one.row !== row) {
        const made = element(html(base, row));
        if (one && one.element === next) next = made;
        if (one) one.element.replaceWith(made);
        one = { row, element: made };
        drawn.set(row.id, one);
      }
      if (one.element === next) next = next.nextElementSibling;
      else holder.insertBefore(one.element, next);
    });
    gone.forEach((one, id) => {
      one.element.remove();
      drawn.delete(id);
    });
  }

  function segments(label, attribute, entries, current) {
    const parts = entries.map(([name, text]) => `<button type="button" class="seg-item${name === current ? " is-on" : ""}" data-${attribute}="${name}" aria-pressed="${name === current}">${text}</button>`);
    return `<div class="seg" role="group" aria-label="${label}">${parts.join("")}</div>`;
  }

  function bar(found) {
    const around = document.getElementById("fleet-bar");
    if (!around) return;
    if (!around.firstChild) {
      around.innerHTML = `<div class="fleet-states"></div><input type="search" class="fleet-search" data-search aria-label="Search servers" placeholder="Search servers" autocomplete="off" spellcheck="false"><div class="fleet-forms"></div><span class="visually-hidden" role="status"></span>`;
      around.querySelector("input").value = words;
    }
    around.hidden = rows.size < SOME;
    const numbers = { "": rows.size };
    rows.forEach((row) => (numbers[row.status] = (numbers[row.status] || 0) + 1));
    const states = STATES.filter(([name]) => name === state || numbers[name]).map(([name, label]) => [name, `${label} <b>${numbers[name] || 0}</b>`]);
    const forms = FORMS.filter(([name]) => full || name !== "cards");
    put(around.querySelector(".fleet-states"), states.length > 1 ? segments("Servers by state", "state", states, state) : "");
    put(around.querySelector(".fleet-forms"), segments("Shown as", "form", forms, look));
    const said = state || words ? `${found.length} of ${rows.size} servers` : "";
    const status = around.querySelector("[role=status]");
    if (status.textContent !== said) status.textContent = said;
  }

  // New HTML where it is another; the keyboard stays on the button that was pressed.
  function put(around, html) {
    if (around.drawn === html) return;
    const focused = around.contains(document.activeElement) ? { ...document.activeElement.dataset } : null;
    around.innerHTML = around.drawn = html;
    if (!focused) return;
    const again = Array.from(around.querySelectorAll("button")).find((one) => ["state", "form", "sort"].every((key) => one.dataset[key] === focused[key]));
    if (again) again.focus({ preventScroll: true });
  }

  // Draws what is chosen; false while the page has no place for it.
  function draw() {
    const found = document.getElementById("fleet");
    if (!found || !rows.size) return false;
    if (found !== place) {
      place = found;
      holder = null;
      readAddress();
    }
    const now = form();
    const few = now === "cards" && rows.size <= FEW;
    if (!holder || look !== now || (now === "cards" && few !== Boolean(holder.dataset.few))) {
      look = now;
      hold();
    }
    const servers = chosen();
    bar(servers);
    fill(servers);
    if (look === "table") put(place.querySelector("thead tr"), COLUMNS.map(heading).join(""));
    const none = place.querySelector(".fleet-empty");
    none.hidden = servers.length > 0;
    (look === "table" ? place.firstElementChild : holder).hidden = !servers.length;
    none.firstElementChild.textContent = words ? `No server matches “${words}”${state ? " in this state" : ""}.` : "No server is in this state.";
    return true;
  }

  function soon(tries) {
    if (draw() || !tries || !rows.size) return;
    window.setTimeout(() => soon(tries - 1), 30);
  }

  // ---- what the reader does ----
  function filter(name) {
    state = name;
    writeAddress({ state });
    draw();
  }

  function search(text) {
    words = text;
    writeAddress({ q: words.trim() });
    draw();
  }

  function showAll() {
    const input = document.querySelector(".fleet-search");
    input.value = "";
    state = "";
    search("");
    writeAddress({ state });
    input.focus();
  }

  // As Dash's own links do it.
  function go(event, link) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    window.history.pushState({}, "", link.href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    const [link, button] = [at("a[data-go]"), at("button")];
    if (link) return go(event, link);
    if (!button) return;
    const { dataset } = button;
    if (button.closest("#fleet-bar") && dataset.state !== undefined) filter(dataset.state);
    else if (button.closest("#fleet-bar") && dataset.form) choose(dataset.form);
    else if (dataset.showAll !== undefined) showAll();
    else if (dataset.sort && button.closest("#fleet")) {
      sort = sort && sort[0] === dataset.sort ? (sort[1] ? null : [dataset.sort, true]) : [dataset.sort, false];
      draw();
    }
  });
  document.addEventListener("input", (event) => event.target.matches(".fleet-search") && search(event.target.value));
  document.addEventListener("change", (event) => {
    if (event.target.closest("#overview-beats")) writeAddress({ beats: event.target.value === "24h" ? "" : event.target.value });
  });
  // The same page by another address: a link to it that is pressed on it.
  window.addEventListener("_dashprivate_pushstate", () => {
    if (!place || !place.isConnected) return;
    readAddress();
    const input = document.querySelector(".fleet-search");
    if (input) input.value = words;
    draw();
  });

  // Called by Dash with the rows that are new or others than before: {stamp, whole, full, rows}.
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, {
    fleet(data) {
      if (!data) return window.dash_clientside.no_update;
      if (data.whole) {
        rows = new Map();
        holder = null;
      }
      full = data.full;
      data.rows.forEach((row) => rows.set(row.id, row));
      soon(TRIES);
      return data.stamp;
    },
  });
})();
