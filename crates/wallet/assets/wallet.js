// What makes pages quicker under the thumb. Each of them works without this file.
"use strict";

// A form is sent once; the server would give the same answer to a second click anyway.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", () => {
    setTimeout(() => {
      for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = true;
    });
  });
}
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-once] button")) button.disabled = false;
});

// A key pad for the PIN, in place of the phone's keyboard. The field stays the field: keyboard, paste and screen
// readers use it as before.
const thumb = matchMedia("(pointer: coarse), (max-width: 40rem)").matches;
for (const field of thumb ? document.querySelectorAll("[data-pin]") : []) {
  const input = field.querySelector("input");
  const pad = document.createElement("div");
  pad.className = "pad";
  const key = (label, act, spoken) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.tabIndex = -1;
    if (spoken) button.setAttribute("aria-label", spoken);
    button.addEventListener("click", () => {
      act();
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    pad.append(button);
    return button;
  };
  const digit = (n) => key(n, () => {
    if (input.value.length < input.maxLength) input.value += n;
  });
  for (const n of "123456789") digit(n);
  const blank = document.createElement("span");
  blank.className = "blank";
  pad.append(blank);
  digit("0");
  key("⌫", () => { input.value = input.value.slice(0, -1); }, field.dataset.labelDelete);
  if (matchMedia("(pointer: coarse)").matches) input.inputMode = "none";
  input.addEventListener("input", () => {
    const digits = input.value.replace(/\D/g, "").slice(0, input.maxLength);
    if (digits !== input.value) input.value = digits;
  });
  field.append(pad);
}

// Numbers are copied with one touch.
if (navigator.clipboard) {
  const word = document.documentElement.lang.startsWith("zh") ? ["复制", "已复制"] : ["Copy", "Copied"];
  for (const id of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = word[0];
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(id.textContent.trim());
        button.textContent = word[1];
        setTimeout(() => { button.textContent = word[0]; }, 2000);
      } catch {
        getSelection().selectAllChildren(id);
      }
    });
    id.after(button);
  }
}

// A waiting page asks for itself again: numbers are put in place, and another state is another page.
const waiting = document.querySelector("main[data-poll]");
if (waiting) {
  const pause = Number(waiting.dataset.poll) * 1000;
  const ask = async () => {
    try {
      const response = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
      if (response.redirected) return location.replace(response.url);
      if (response.ok) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        const main = page.querySelector("main");
        if (!main || main.dataset.state !== waiting.dataset.state) return location.reload();
        for (const now of waiting.querySelectorAll("[data-live]")) {
          const next = main.querySelector(`[data-live="${now.dataset.live}"]`);
          if (next && next.textContent !== now.textContent) now.textContent = next.textContent;
        }
      }
    } catch {
      // No network for a moment; the next try comes by itself.
    }
    setTimeout(ask, pause);
  };
  setTimeout(ask, pause);
}
