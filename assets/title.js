// The number of active alerts in the title and, by its severity, as a dot on the favicon: what a tab
// in the background can say. It stands in the rail's badge (components/shell.py).
(function () {
  "use strict";
  const COUNTED = /^\(\d+\) /;
  const DOTS = { critical: "#d64539", warning: "#e5a11b", info: "#7aa2ff" };
  const health = (window.healthdeck = window.healthdeck || {});
  const link = document.querySelector('link[rel="icon"]');
  const plain = link.href;
  let drawing = null; // the favicon as text, once it was asked for
  let now = { count: 0, severity: "" };

  health.alerts = () => now;

  // Dash writes the title of each page; the count comes back in front of it.
  function entitle() {
    const bare = document.title.replace(COUNTED, "");
    const title = now.count ? `(${now.count}) ${bare}` : bare;
    if (document.title !== title) document.title = title;
  }

  async function dot() {
    const colour = DOTS[now.severity];
    if (!now.count || !colour) return plain;
    drawing = drawing || window.fetch(plain).then((answer) => answer.text());
    const circle = `<circle cx="18.5" cy="5.5" r="5.5" fill="${colour}" stroke="#fff" stroke-width="1.5"/>`;
    return `data:image/svg+xml,${encodeURIComponent((await drawing).replace("</svg>", `${circle}</svg>`))}`;
  }

  function paint() {
    const wanted = now.severity;
    dot().then(
      (address) => wanted === now.severity && link.href !== address && (link.href = address),
      () => (drawing = null), // the next change tries again
    );
  }

  function read() {
    const badge = document.querySelector("[data-alerts]");
    if (!badge) return;
    const next = { count: Number(badge.dataset.alerts), severity: badge.dataset.severity };
    if (next.count === now.count && next.severity === now.severity) return;
    now = next;
    entitle();
    paint();
    document.dispatchEvent(new CustomEvent("healthdeck:alerts"));
  }

  const waitForBadge = new MutationObserver(() => {
    const place = document.getElementById("shell-alerts");
    if (!place) return;
    waitForBadge.disconnect();
    new MutationObserver(read).observe(place, { childList: true, subtree: true, attributes: true });
    read();
  });
  waitForBadge.observe(document.documentElement, { childList: true, subtree: true });
  new MutationObserver(entitle).observe(document.head, { childList: true, subtree: true, characterData: true });
})();
