// The camera, where the browser reads codes by itself; elsewhere the box to paste into stays.
"use strict";
(() => {
  const camera = document.getElementById("camera");
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  const video = document.getElementById("video");
  const open = document.getElementById("camera-open");
  const status = document.getElementById("camera-status");
  const form = document.getElementById("scan-form");
  camera.hidden = false;

  open.addEventListener("click", async () => {
    open.disabled = true;
    let stream;
    try {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      video.hidden = false;
      open.hidden = true;
      await video.play();
      const look = async () => {
        const found = await detector.detect(video).catch(() => []);
        if (found.length > 0) {
          for (const track of stream.getTracks()) track.stop();
          form.elements.text.value = found[0].rawValue;
          form.requestSubmit();
          return;
        }
        setTimeout(look, 150);
      };
      look();
    } catch {
      if (stream) for (const track of stream.getTracks()) track.stop();
      open.disabled = false;
      open.hidden = false;
      video.hidden = true;
      status.textContent = camera.dataset.denied;
    }
  });
})();
