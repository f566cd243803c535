"use strict";
// What the page offers to the scripts of its sections.
const page = (() => {
  const root = document.documentElement;
  const waiting = [];
  let hasLooked = false; // which sections are near
  root.classList.add("scripted");

  /* Register the script of a section; it runs after the first paint. */
  function section(name, libraries, run) {
    waiting.push({ name, libraries, run });
  }

  /* Run the scripts, each as a task of its own. One that needs a library waits until the reader
     comes near, because a library may take a second to be read. */
  function start() {
    markWhereTheReaderIs();
    const later = new Map();
    for (const one of waiting.splice(0)) {
      if (one.libraries.length) later.set(document.getElementById(one.name), one);
      else waiting.push(one);
    }
    const near = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        waiting.push(later.get(target));
      }
      hasLooked = true;
      next();
    }, { rootMargin: "100% 0px" });
    hasLooked = !later.size;
    const first = () => setTimeout(() => {
      later.forEach((one, element) => near.observe(element)); // it looks after the next frame
      next();
    });
    if (document.visibilityState === "hidden") first();
    else requestAnimationFrame(first);
  }

  /* Run the script that waits longest; the page is ready when none near the reader waits. */
  function next() {
    const one = waiting.shift();
    if (!one) {
      if (hasLooked) root.dataset.ready = "true";
      return;
    }
    setTimeout(next); // an error in one section is reported and stops no other
    one.libraries.forEach(load);
    const element = document.getElementById(one.name);
    const text = document.getElementById(`${one.name}-data`).textContent;
    one.run(element, JSON.parse(text), page);
    element.dataset.ready = "true";
  }

  /* Run a library that the page holds as inert text, once. */
  function load(name) {
    const inert = document.getElementById(`library-${name}`);
    if (!inert) return;
    const script = document.createElement("script");
    script.textContent = inert.textContent;
    inert.replaceWith(script);
  }

  /* Copy a text and say so to all readers; return whether it worked. */
  async function copy(text) {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    announce(done ? "Copied." : "Could not copy; select the text instead.");
    return done;
  }

  /* Have a screen reader say a text. */
  function announce(text) {
    document.getElementById("announcements").textContent = text;
  }

  /* Make an element with attributes and children; texts are never read as HTML. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function markWhereTheReaderIs() {
    const links = new Map();
    for (const link of document.querySelectorAll("#sections a")) {
      links.set(decodeURIComponent(link.hash.slice(1)), link);
    }
    const seen = new Set();
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) seen.add(target.id);
        else seen.delete(target.id);
      }
      const current = [...links.keys()].find((name) => seen.has(name));
      links.forEach((link, name) => {
        if (name === current) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      });
    }, { rootMargin: "-20% 0px -60% 0px" });
    document.querySelectorAll("main > section").forEach((each) => observer.observe(each));
  }

  return {
    dark: matchMedia("(prefers-color-scheme: dark)"),
    still: matchMedia("(prefers-reduced-motion: reduce)"),
    section, start, copy, announce, make,
  };
})();
