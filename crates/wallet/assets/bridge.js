// Tells the merchant's page that opened this window what became of the payment. The browser delivers it only to
// a page of the origin that the checked call named.
"use strict";
(() => {
  const tell = document.querySelector("[data-tell]");
  if (tell && window.opener) {
    window.opener.postMessage({ feiqian: "pay", result: tell.dataset.tell }, tell.dataset.tellOrigin);
    const close = tell.querySelector("[data-close]");
    close.hidden = false;
    close.addEventListener("click", () => window.close());
  }
})();
