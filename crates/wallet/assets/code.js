// The payment code's page: counts down, looks every two seconds whether a till did something, and shows a fresh
// code when this one is over.
"use strict";
(() => {
  const main = document.querySelector("main[data-code]");
  const left = document.getElementById("left");
  const bar = document.getElementById("bar");
  const shown = Number(main.dataset.shown);
  const started = performance.now();
  let since = main.dataset.since;

  if (sessionStorage.getItem("code-renewed") === "1") {
    sessionStorage.removeItem("code-renewed");
    const status = document.getElementById("code-status");
    setTimeout(() => { status.textContent = status.dataset.renewed; }, 300);
  }

  const renew = () => {
    sessionStorage.setItem("code-renewed", "1");
    location.replace(`/wallet/code?since=${encodeURIComponent(since)}`);
  };
  const tick = () => {
    const rest = Math.max(0, Math.ceil(shown - (performance.now() - started) / 1000));
    left.textContent = left.dataset.text.replace("{s}", rest);
    bar.value = rest;
    if (rest === 0) renew();
    else setTimeout(tick, 250);
  };
  tick();

  const look = async () => {
    if (!document.hidden) {
      try {
        const url = `/wallet/code/pending?since=${encodeURIComponent(since)}`;
        const response = await fetch(url, { credentials: "same-origin", cache: "no-store" });
        if (response.redirected) return location.reload();
        const answer = await response.json();
        since = String(answer.since);
        if (answer.go) return location.replace(answer.go);
      } catch {
        // No network for a moment; the next look comes by itself.
      }
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
  // A phone that slept shows a fresh code at once.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && performance.now() - started > shown * 1000) renew();
  });

  if ("wakeLock" in navigator) navigator.wakeLock.request("screen").catch(() => {});
})();
