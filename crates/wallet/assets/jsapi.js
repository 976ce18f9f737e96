// For merchants' JSAPI pages outside the wallet: WeixinJSBridge.invoke("getBrandWCPayRequest", params, callback)
// with the parameters the merchant's server signed. The bridge page opens in a window of its own; where the
// browser allows none, this page is left and comes back with ?result=ok|cancel|fail.
//
//   <script src="https://pay.example/assets/jsapi.js"></script>
//
// The callback gets { err_msg: "get_brand_wcpay_request:ok" | ":cancel" | ":fail" }. It is a hint for the page;
// whether the order is paid is for the notification or the query API to say.
"use strict";
(() => {
  const base = new URL(document.currentScript.src).origin;
  const request = "getBrandWCPayRequest";
  const names = ["appId", "timeStamp", "nonceStr", "package", "signType", "paySign"];
  const answer = (callback, result) => {
    if (callback) callback({ err_msg: `get_brand_wcpay_request:${result}` });
  };

  const pay = (params, callback) => {
    const query = new URLSearchParams();
    for (const name of names) query.set(name, String(params[name] ?? ""));
    const bridge = `${base}/pay/jsapi?`;
    const alone = new URLSearchParams(query);
    alone.set("origin", location.origin);
    const child = window.open(bridge + alone, "feiqian-pay", "popup,width=420,height=820");
    if (!child) {
      query.set("redirect_url", location.href);
      location.assign(bridge + query);
      return;
    }
    let over = false;
    const end = (result) => {
      if (over) return;
      over = true;
      removeEventListener("message", hear);
      clearInterval(watch);
      answer(callback, result);
    };
    const hear = (event) => {
      if (event.origin !== base || event.source !== child || event.data?.feiqian !== "pay") return;
      end(["ok", "cancel", "fail"].includes(event.data.result) ? event.data.result : "fail");
    };
    // Closed without a word: the payer gave up.
    const watch = setInterval(() => { if (child.closed) setTimeout(() => end("cancel"), 300); }, 500);
    addEventListener("message", hear);
  };

  window.WeixinJSBridge = {
    invoke(name, params, callback) {
      if (name === request) pay(params ?? {}, callback);
      else if (callback) callback({ err_msg: `${name}:fail, function not exist` });
    },
    on() {},
    call() {},
  };
  document.dispatchEvent(new Event("WeixinJSBridgeReady"));
})();
