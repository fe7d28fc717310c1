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
    const typing = at && at !== document.body && main.contains(at) && at.tagName !== "A";
    return document.hidden || typing || String(window.getSelection()) !== "";
  };
  const look = async () => {
    if (busy()) return true;
    const answer = await fetch(window.location.href);
    if (!answer.ok) return true;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (!next || busy()) return true;
    if (next.innerHTML !== main.innerHTML) {
      const at = main.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      main.innerHTML = next.innerHTML;
      if (at) [...main.querySelectorAll("a")].find((a) => a.getAttribute("href") === at)?.focus();
    }
    return "live" in next.dataset;
  };
  const timer = window.setInterval(async () => {
    // The engine may be away for a moment.
    const goOn = await look().catch(() => true);
    if (!goOn) window.clearInterval(timer);
  }, 2000);
})();
