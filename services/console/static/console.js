// What makes an open page more comfortable. Every page works without it.
"use strict";
(() => {
  const root = document.body.dataset.root;

  // Moments in the reader's own time and language.
  const { lang } = document.documentElement;
  const spoken = navigator.languages.find((it) => it.split("-")[0] === lang.split("-")[0]) ?? lang;
  const shown = new Intl.DateTimeFormat(spoken, { dateStyle: "medium", timeStyle: "medium" });
  const localise = (within) => {
    for (const time of within.querySelectorAll("time[datetime]:not([title])")) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      time.title = time.textContent;
      time.textContent = shown.format(moment);
    }
    for (const button of within.querySelectorAll("[data-copy][hidden], [data-all][hidden]")) button.hidden = false;
  };

  // Moments are chosen in the time that they are shown in, and sent as UTC.
  for (const input of document.querySelectorAll("[data-utc]")) {
    const minutes = (moment) => moment.toISOString().slice(0, 16);
    const given = new Date(`${input.value}Z`);
    if (!Number.isNaN(given.getTime())) input.value = minutes(new Date(given - given.getTimezoneOffset() * 60000));
    const [label] = input.labels;
    label.textContent = label.textContent.replace(/\s*\(UTC\)/, "");
    input.form.addEventListener("formdata", ({ formData }) => {
      const chosen = new Date(input.value);
      if (!Number.isNaN(chosen.getTime())) formData.set(input.name, minutes(chosen));
    });
  }

  // Codes count down: in words and as a bar.
  const countDown = () => {
    for (const text of document.querySelectorAll("[data-until]")) {
      const left = Math.ceil((new Date(text.dataset.until) - Date.now()) / 1000);
      const { second, over } = document.body.dataset;
      text.textContent = left > 0 ? second.replace("0", String(left)) : over;
      // Nothing happens when a code ends but that it ends: what comes next is asked for.
      if (left <= 0 && !text.dataset.ended) { text.dataset.ended = "yes"; look(); }
    }
    for (const bar of document.querySelectorAll("[data-countdown]")) {
      bar.value = Math.max(0, (new Date(bar.dataset.countdown) - Date.now()) / 1000);
    }
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    const label = button.querySelector("span");
    const before = label.textContent;
    label.textContent = button.dataset.copied;
    setTimeout(() => { label.textContent = before; }, 2000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button).catch(() => document.getElementById(button.dataset.copy).select?.());
    if (event.target.closest("[data-keys]")) document.getElementById("keys").showModal();
  });

  // A slider shows what it chooses; its form is sent when it is let go.
  document.addEventListener("input", (event) => {
    const target = event.target.closest("[data-shows]");
    if (target) document.getElementById(target.dataset.shows).textContent = target.value;
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-sends]")) event.target.form.requestSubmit();
    const all = event.target.closest("[data-all]");
    if (all) for (const box of document.querySelectorAll(`[name="${all.dataset.all}"]`)) box.checked = all.checked;
  });

  // Keys: none of them changes anything.
  const rows = () => [...document.querySelectorAll(".rows tbody th a")];
  const move = (by) => {
    const all = rows();
    const at = all.indexOf(document.activeElement);
    all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
  };
  let afterG = false;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (afterG) {
      afterG = false;
      const to = { i: "", w: "webhooks", a: "accounts", c: "cluster", u: "audit" }[event.key];
      if (to !== undefined) location.assign(root + to);
      return;
    }
    switch (event.key) {
      case "/": document.getElementById("q")?.focus(); event.preventDefault(); break;
      case "j": move(1); break;
      case "k": move(-1); break;
      case "g": afterG = true; setTimeout(() => { afterG = false; }, 1500); break;
      case "?": document.getElementById("keys").showModal(); break;
      default: return;
    }
  });

  // A page hears when something changes and looks then; where it cannot hear, it asks every few seconds. A page that nobody
  // sees does neither: a browser has few connections for all its pages.
  const changing = document.querySelector("[data-changes]");
  const SURE_MS = 30000; // so often is asked although nothing was heard
  const settleMs = Number(changing?.dataset.settles ?? 0); // so long after a change, since lists may be behind
  let source = null, heardAt = 0, askedAt = 0;
  // One look at a time: what is heard meanwhile may have come too late for it, so another one follows.
  const AFTER_SWAP_MS = 60; // htmx takes 20 ms until what it has swapped in listens
  let looks = false, again = false;
  const look = () => {
    if (looks) again = true;
    else if (document.getElementById("live")) htmx.trigger("#live", "changed");
  };
  document.addEventListener("htmx:afterRequest", () => setTimeout(() => {
    looks = false;
    if (again) { again = false; look(); }
  }, AFTER_SWAP_MS));
  const hear = () => {
    source?.close();
    source = null;
    if (document.hidden || !changing || !window.EventSource) return;
    source = new EventSource(root + changing.dataset.changes);
    // What happened before it heard, it would not hear of.
    source.addEventListener("open", look);
    source.addEventListener("changed", () => { heardAt = Date.now(); look(); });
  };
  document.addEventListener("visibilitychange", () => { hear(); if (changing && !document.hidden && !source) look(); });
  window.addEventListener("pagehide", () => source?.close());
  document.addEventListener("htmx:beforeRequest", (event) => {
    const now = Date.now();
    const isPoll = !event.detail.requestConfig?.triggeringEvent;
    const hears = source?.readyState === EventSource.OPEN;
    const isQuiet = hears && now - heardAt > settleMs && now - askedAt < SURE_MS;
    if (document.hidden || (isPoll && isQuiet)) event.preventDefault();
    else { askedAt = now; looks = true; }
  });
  // A click begins and ends on the same button, or it is none: what is pressed is not swapped away meanwhile.
  let isPressed = false, waits = false;
  const released = () => setTimeout(() => {
    isPressed = false;
    if (waits) { waits = false; look(); }
  });
  document.addEventListener("pointerdown", () => { isPressed = true; }, true);
  for (const end of ["pointerup", "pointercancel", "dragend"]) document.addEventListener(end, released, true);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (isPressed) { event.detail.shouldSwap = false; waits = true; }
  });
  document.addEventListener("htmx:load", (event) => { localise(event.target); countDown(); });

  for (const button of document.querySelectorAll("[data-keys]")) button.hidden = false;
  localise(document);
  countDown();
  hear();
  setInterval(countDown, 1000);
})();
