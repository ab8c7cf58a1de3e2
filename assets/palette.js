// The command palette: servers, tenants, services, rules, pages and commands by a few letters. The
// names come from the server when it is opened (services/web/palette.py); matching is done here.
(function () {
  "use strict";
  const FRESH = 5000; // ms for which the names are good
  const KEY = "healthdeck.recent";
  const RECENT = 6; // are kept
  const MOST = 8; // of each group are shown
  const health = (window.healthdeck = window.healthdeck || {});
  const byId = (id) => document.getElementById(id);
  const GROUPS = ["Recent", "Pages", "Servers", "Tenants", "Services", "Rules", "Commands"];
  const MARKS = { critical: "unhealthy", warning: "degraded", info: "info" };

  let known = []; // what the server told, as items
  let askedAt = 0;
  let loaded = false;
  let shown = []; // items on the screen, in their order
  let chosen = 0;

  function item(group, name, hint, path, more) {
    return { group, name, hint, path, id: path || `${group}: ${name}`, low: name.toLowerCase(), lowHint: hint.toLowerCase(), ...more };
  }

  function pages() {
    return Array.from(document.querySelectorAll(".rail .nav-link"), (link) => {
      const path = link.getAttribute("href").slice(health.base.length);
      const name = link.querySelector("span").textContent;
      return item("Pages", name, "", path, { icon: link.querySelector(".icon").className.split("icon-")[1] });
    });
  }

  function commands() {
    const kiosk = document.documentElement.dataset.frame === "kiosk";
    const leave = byId("log-out");
    const themes = health.theme.CHOICES.map((choice) => item("Commands", `Theme: ${choice}`, "", null, { icon: choice, run: () => health.theme.choose(choice) }));
    return [
      ...themes,
      item("Commands", "Keyboard help", "?", null, { icon: "help", run: health.help }),
      item("Commands", kiosk ? "Leave the wall screen" : "Wall screen", "kiosk", null, { icon: "overview", run: () => window.location.assign(`${window.location.pathname}${kiosk ? "" : "?kiosk=1"}`) }),
      ...(leave ? [item("Commands", "Log out", "", null, { icon: "log-out", run: () => leave.requestSubmit() })] : []),
    ];
  }

  function understood(told) {
    const names = new Map(told.servers.map(([id, name]) => [id, name]));
    return [
      ...told.servers.map(([id, name, status]) => item("Servers", name, name === id ? "" : id, `/health/vps/${id}`, { status })),
      ...told.tenants.map(([id, name]) => item("Tenants", name, name === id ? "" : id, `/health/tenants/${id}`, { icon: "tenants" })),
      ...told.services.map(([server, name, status]) => item("Services", name, `on ${names.get(server)}`, `/health/vps/${server}`, { status, id: `${server}/${name}` })),
      ...told.rules.map(([id, name, severity]) => item("Rules", name, name === id ? "" : id, `/health/alerts?tab=rules&rule=${encodeURIComponent(id)}`, { status: MARKS[severity], word: severity })),
    ];
  }

  function recent() {
    try {
      const ids = JSON.parse(window.localStorage.getItem(KEY) || "[]");
      return Array.isArray(ids) ? ids : [];
    } catch {
      return [];
    }
  }

  function remember(one) {
    if (one.run) return;
    try {
      window.localStorage.setItem(KEY, JSON.stringify([one.id, ...recent().filter((id) => id !== one.id)].slice(0, RECENT)));
    } catch {
      // Storage is forbidden: nothing is remembered.
    }
  }

  // The letters of a word in their order: better at the beginnings of words and side by side.
  function letters(word, text) {
    let score = 0;
    let place = -1;
    for (const letter of word) {
      const next = text.indexOf(letter, place + 1);
      if (next < 0) return 0;
      if (next === place + 1) score += 3;
      else if (next === 0 || " -_./".includes(text[next - 1])) score += 2;
      else score -= 1;
      place = next;
    }
    return score > word.length ? score : 0;
  }

  function worth(word, one) {
    const at = one.low.indexOf(word);
    if (at === 0) return one.low.length === word.length ? 200 : 120;
    if (at > 0) return " -_./".includes(one.low[at - 1]) ? 100 : 70;
    if (one.lowHint.includes(word)) return one.lowHint === word ? 150 : 60;
    return letters(word, one.low);
  }

  // Every word has to be found. 0: it is not this one.
  function score(words, one) {
    let sum = 0;
    for (const word of words) {
      const found = worth(word, one);
      if (!found) return 0;
      sum += found;
    }
    return sum - one.low.length / 50;
  }

  // The groups to show: [name, items, whether there are more].
  function found(text) {
    const all = [...pages(), ...known, ...commands()];
    const lately = recent();
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) {
      const again = lately.map((id) => all.find((one) => one.id === id)).filter(Boolean);
      return [["Recent", again], ...["Pages", "Commands"].map((name) => [name, all.filter((one) => one.group === name && !again.includes(one))])].filter(([, items]) => items.length);
    }
    const scored = [];
    for (const one of all) {
      const value = score(words, one);
      if (value > 0) scored.push({ one, value: value + (lately.includes(one.id) ? 30 : 0) });
    }
    scored.sort((a, b) => b.value - a.value);
    const groups = new Map();
    scored.forEach(({ one }) => groups.set(one.group, [...(groups.get(one.group) || []).slice(0, MOST), one]));
    return Array.from(groups, ([name, items]) => [name, items.slice(0, MOST), items.length > MOST]);
  }

  function make(tag, className, attributes, ...children) {
    const element = Object.assign(document.createElement(tag), { className });
    Object.entries(attributes || {}).forEach(([name, value]) => element.setAttribute(name, value));
    element.append(...children);
    return element;
  }

  function option(one, place) {
    const mark = one.status
      ? make("span", `status is-${one.status}`, {}, make("i", "mark", { "aria-hidden": "true" }), make("span", "visually-hidden", {}, one.word || one.status))
      : make("i", `icon icon-${one.icon}`, { "aria-hidden": "true" });
    const row = make("div", "palette-option", { role: "option", id: `palette-${place}`, "aria-selected": "false" }, mark, make("span", "palette-name", {}, one.name), make("span", "palette-hint", {}, one.hint));
    row.dataset.place = place;
    return row;
  }

  function draw() {
    const text = byId("palette-input").value.trim();
    const groups = found(text);
    shown = groups.flatMap(([, items]) => items);
    let place = 0;
    const drawn = groups.map(([name, items, more]) => {
      const id = `palette-group-${GROUPS.indexOf(name)}`;
      const head = make("div", "palette-group", { id }, more ? `${name}, the best ${items.length}` : name);
      return make("div", "", { role: "group", "aria-labelledby": id }, head, ...items.map((one) => option(one, place++)));
    });
    byId("palette-list").replaceChildren(...drawn);
    byId("palette-list").hidden = !shown.length;
    const none = byId("palette-none");
    none.hidden = shown.length > 0;
    none.textContent = loaded ? `Nothing is called “${text}”. Try a part of a name or an id.` : "Looking…";
    byId("palette-said").textContent = text ? `${shown.length} found` : "";
    choose(0);
  }

  function choose(place) {
    chosen = shown.length ? (place + shown.length) % shown.length : 0;
    document.querySelectorAll(".palette-option").forEach((row, at) => row.setAttribute("aria-selected", String(at === chosen)));
    const row = byId(`palette-${chosen}`);
    const input = byId("palette-input");
    if (!row) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  }

  function take(one, elsewhere) {
    if (!one) return;
    remember(one);
    byId("palette").close();
    if (one.run) one.run();
    else if (elsewhere) window.open(health.base + one.path, "_blank", "noopener");
    else health.go(one.path);
  }

  function pressed(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.isComposing) return;
    if (steps[event.key]) choose(Math.abs(steps[event.key]) === 1 ? chosen + steps[event.key] : Math.max(0, Math.min(shown.length - 1, chosen + steps[event.key])));
    else if (event.key === "Enter") take(shown[chosen], event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  }

  function build(dialog) {
    const input = make("input", "palette-input", {
      id: "palette-input", type: "text", role: "combobox", placeholder: "Server, tenant, service, rule, page or command", autocomplete: "off", spellcheck: "false",
      "aria-label": "Search", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", "aria-haspopup": "listbox",
    });
    const list = make("div", "palette-list", { id: "palette-list", role: "listbox", "aria-label": "Found" });
    const close = make("button", "btn-close", { type: "button", "aria-label": "Close", "data-close-dialog": "" });
    const keys = make("div", "palette-keys", { "aria-hidden": "true" }, make("kbd", "", {}, "↑"), make("kbd", "", {}, "↓"), " to choose ", make("kbd", "", {}, "Enter"), " to open ", make("kbd", "", {}, "Esc"), " to close");
    dialog.append(
      make("div", "palette-head", {}, make("i", "icon icon-search", { "aria-hidden": "true" }), input, close),
      list,
      make("p", "palette-none", { id: "palette-none" }),
      make("p", "visually-hidden", { id: "palette-said", role: "status" }),
      keys,
    );
    input.addEventListener("input", draw);
    input.addEventListener("keydown", pressed);
    list.addEventListener("mousemove", (event) => {
      const row = event.target.closest(".palette-option");
      if (row && Number(row.dataset.place) !== chosen) choose(Number(row.dataset.place));
    });
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", (event) => {
      const row = event.target.closest(".palette-option");
      if (row) take(shown[Number(row.dataset.place)], event.ctrlKey || event.metaKey);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  function ask() {
    if (Date.now() - askedAt < FRESH) return;
    askedAt = Date.now();
    window.dash_clientside.set_props("palette-asked", { data: askedAt });
  }

  function open() {
    const dialog = byId("palette");
    if (!dialog || dialog.open || document.querySelector("dialog[open]")) return;
    if (!dialog.firstElementChild) build(dialog);
    dialog.showModal();
    byId("palette-input").value = "";
    byId("palette-input").focus();
    draw();
    ask();
  }

  function toggle() {
    const dialog = byId("palette");
    if (dialog && dialog.open) dialog.close();
    else open();
  }

  // Called by Dash with what the server told.
  function names(told) {
    if (!told) return;
    known = understood(told);
    loaded = true;
    const dialog = byId("palette");
    if (dialog && dialog.open) draw();
  }

  health.palette = { open, toggle };
  document.addEventListener("click", (event) => event.target.closest("[data-palette]") && open());
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, { found: names });
})();
