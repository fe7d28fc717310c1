// Shows news without being asked: the part of the page that changes is fetched again while somebody looks at it.
"use strict";
(() => {
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });
  const main = document.querySelector("main");
  if (!main || !("live" in main.dataset)) return;
  const busy = () => {
    const at = document.activeElement;
    const typing = at && at !== document.body && main.contains(at) && !["A", "SUMMARY"].includes(at.tagName);
    return document.hidden || typing || String(window.getSelection()) !== "";
  };
  // What was opened and closed by hand stays so.
  const parts = () => [...main.querySelectorAll("details[data-key]")];
  const part = (key) => parts().find((one) => one.dataset.key === key);
  let shown = main.innerHTML;
  const look = async () => {
    if (busy()) return true;
    const answer = await fetch(window.location.href);
    if (!answer.ok) return true;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (!next || busy()) return true;
    if (next.innerHTML !== shown) {
      const active = main.contains(document.activeElement) ? document.activeElement : null;
      const at = active?.getAttribute("href");
      const key = active?.tagName === "SUMMARY" ? active.parentElement.dataset.key : null;
      const open = new Map(parts().map((one) => [one.dataset.key, one.open]));
      main.innerHTML = shown = next.innerHTML;
      for (const one of parts()) one.open = open.get(one.dataset.key) ?? one.open;
      if (at) [...main.querySelectorAll("a")].find((a) => a.getAttribute("href") === at)?.focus();
      if (key) part(key)?.querySelector("summary").focus();
    }
    return "live" in next.dataset;
  };
  const timer = window.setInterval(async () => {
    // The engine may be away for a moment.
    const goOn = await look().catch(() => true);
    if (!goOn) window.clearInterval(timer);
  }, 2000);
})();
