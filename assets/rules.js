// The rule editor: a draft is sent once its writer pauses, and tried over the past while its
// progress is shown. What is tried for an older draft is broken off, which makes room on the server.
(function () {
  "use strict";
  const PAUSE = 700; // ms
  const AGAIN = 3000; // ms until a busy server is asked again
  const TRIES = 20;
  const no = () => window.dash_clientside.no_update;
  let waiting = null; // of the draft: {timer, resolve}
  let changed = new Set();
  let running = null; // AbortController of the preview
  let first = true;

  const pause = (ms) => new Promise((resolve) => window.setTimeout(resolve, ms));
  const open = () => document.getElementById("rule-shown") !== null;

  function draft(fields) {
    return Object.fromEntries(fields.map((one) => [one.id.field, one.value === undefined ? null : one.value]));
  }

  function note(context) {
    for (const one of context.triggered || []) {
      const id = one.prop_id.slice(0, one.prop_id.lastIndexOf("."));
      if (id.startsWith("{")) changed.add(JSON.parse(id).field);
    }
  }

  function ruleDraft() {
    const context = window.dash_clientside.callback_context;
    const fields = context.inputs_list[0];
    if (!fields.length) return no();
    note(context);
    if (waiting) {
      window.clearTimeout(waiting.timer);
      waiting.resolve(no());
    }
    return new Promise((resolve) => {
      const send = () => {
        waiting = null;
        const sent = { values: draft(fields), changed: first ? [] : [...changed], at: Date.now() };
        changed = new Set();
        first = false;
        resolve(sent);
      };
      first = first || !document.querySelector("#rule-said:not(:empty)");
      waiting = { resolve, timer: window.setTimeout(send, first ? 0 : PAUSE) };
    });
  }

  function tell(text) {
    if (open()) window.dash_clientside.set_props("rule-progress", { children: text });
  }

  // The lines of an answer that comes line by line.
  async function* lines(response) {
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value || new Uint8Array(), { stream: !done });
      const whole = rest.split("\n");
      rest = whole.pop();
      for (const line of whole) if (line) yield JSON.parse(line);
      if (done) return;
    }
  }

  async function ask(address, body, signal) {
    for (let tries = 0; ; tries += 1) {
      const response = await window.fetch(address, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/x-ndjson" },
        body: JSON.stringify(body),
        signal,
      });
      if (response.ok || response.status !== 503 || tries === TRIES) return response;
      tell("The server is busy with other previews; waiting for its turn ...");
      await pause(AGAIN);
      signal.throwIfAborted();
    }
  }

  async function outcome(address, body, mine) {
    const response = await ask(address, body, mine.signal);
    if (!response.ok) {
      const said = await response.json().catch(() => ({}));
      return { error: said.error || `The server answered ${response.status}.` };
    }
    for await (const line of lines(response)) {
      if (!open()) mine.abort();
      if (line.preview) return { preview: line.preview };
      tell(line.of ? `trying: ${line.targets} of ${line.of} targets` : "trying ...");
    }
    return { error: "The preview broke off. Change something to try again." };
  }

  async function rulePreview(checked, range, address) {
    if (running) running.abort();
    running = null;
    if (!checked || !checked.rule) {
      tell(checked ? "waits for a complete rule" : "");
      return no();
    }
    const mine = (running = new AbortController());
    tell("trying ...");
    try {
      const body = { rule: checked.rule, timeRange: range, limit: 50 };
      const found = await outcome(address, body, mine);
      if (running !== mine) return no();
      tell("");
      return found;
    } catch (error) {
      if (mine.signal.aborted) return no();
      tell("");
      return { error: "The server could not be reached. Change something to try again." };
    }
  }

  function readFile(contents) {
    if (!contents) return no();
    const bytes = Uint8Array.from(window.atob(contents.slice(contents.indexOf(",") + 1)), (one) => one.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  }

  const always = () => true;

  // What is chosen stands in the address, so that it can be kept and sent to somebody. What it
  // answers is this browser's time zone.
  function analyticsAddress(...values) {
    const names = ["range", "rule", "vps", "tenant", "severity"];
    const query = new URLSearchParams(window.location.search);
    if (query.get("tab") === "analytics") {
      names.forEach((name, at) => (values[at] && values[at] !== "any" ? query.set(name, values[at]) : query.delete(name)));
      window.history.replaceState(window.history.state, "", `${window.location.pathname}?${query}`);
    }
    return new Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.healthdeck = Object.assign(window.dash_clientside.healthdeck || {}, { ruleDraft, rulePreview, readFile, always, analyticsAddress });
})();
