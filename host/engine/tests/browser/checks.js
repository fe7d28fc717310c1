// What is wrong with a document for somebody who cannot see it well, has no mouse, or has a small screen. A list of words.
(() => {
  const found = [];
  const say = (words) => found.push(words);
  const shown = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== "hidden";
  const all = (selector) => [...document.querySelectorAll(selector)];

  if (!document.documentElement.lang) say("the document has no lang");
  if (!document.title) say("the document has no title");
  for (const landmark of ["header", "nav", "main", "footer"]) {
    if (!document.querySelector(landmark)) say(`landmarks: no ${landmark}`);
  }
  if (all("main").length > 1) say("landmarks: more than one main");
  if (all("h1").length !== 1) say(`${all("h1").length} headings of the first level`);
  let last = 0;
  for (const heading of all("h1,h2,h3,h4,h5,h6")) {
    const level = Number(heading.tagName[1]);
    if (level > last + 1) say(`heading ${level} follows ${last}: ${heading.textContent}`);
    last = level;
  }

  const ids = new Set();
  for (const e of all("[id]")) {
    if (ids.has(e.id)) say(`the id ${e.id} is there twice`);
    ids.add(e.id);
  }
  const named = (e) =>
    (e.getAttribute("aria-label") || "").trim() || (e.labels && [...e.labels].some((l) => l.textContent.trim())) ||
    (e.tagName !== "INPUT" && e.tagName !== "SELECT" && e.tagName !== "TEXTAREA" && e.textContent.trim());
  for (const e of all("a,button,input:not([type=hidden]),select,textarea,[role=region],[role=img]")) {
    if (!named(e)) say(`${e.tagName.toLowerCase()} has no name: ${e.outerHTML.slice(0, 80)}`);
  }
  for (const e of all("img")) if (!e.hasAttribute("alt")) say("img has no alt");
  for (const e of all("a")) if (!e.getAttribute("href")) say(`a without href: ${e.textContent}`);
  for (const e of all("table")) {
    if (!e.querySelector("th[scope=col]")) say("a table has no heads");
    if (!e.caption) say("a table has no caption");
  }
  for (const e of all("*")) {
    const scrolls = /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1;
    if (scrolls && e.tabIndex < 0) say(`a keyboard cannot scroll ${e.outerHTML.slice(0, 60)}`);
  }
  if (document.documentElement.scrollWidth > window.innerWidth + 1) {
    say(`the document is wider than the window: ${document.documentElement.scrollWidth}`);
  }

  // Contrast as WCAG reckons it, of each piece of text on whatever is behind it.
  const parse = (color) => (color.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return dark ? [18, 18, 18] : [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(e) || seen.has(e)) continue;
    seen.add(e);
    const style = getComputedStyle(e);
    const [front, back] = [light(parse(style.color)), light(behind(e))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) say(`contrast ${ratio.toFixed(2)} of ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  for (const [part, ...rest] of all("svg rect").map((e) => [e])) {
    const ratio = ((a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05))(
      light(parse(getComputedStyle(part).fill)), light(behind(part.ownerSVGElement)));
    if (ratio < 2) say(`contrast ${ratio.toFixed(2)} of a bar: ${part.getAttribute("class")}`);
  }
  return found;
})()
