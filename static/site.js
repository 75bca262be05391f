/* kwippy: what a page does when the browser helps. Everything works without this file. */
(() => {
  "use strict";

  const language = document.documentElement.lang || "en";
  const viewer = document.body.dataset.viewer || "";
  const live = document.getElementById("live");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  function say(text) {
    // Emptied first, so that the same words are said a second time.
    live.textContent = "";
    requestAnimationFrame(() => { live.textContent = text || ""; });
  }

  // Storage can be full, forbidden or absent: then there is nothing kept.
  function keep(store, key, value) {
    try {
      if (value) store().setItem(key, value);
      else store().removeItem(key);
    } catch { /* nothing kept */ }
  }
  function kept(store, key) {
    try { return store().getItem(key) || ""; } catch { return ""; }
  }
  const here = () => localStorage;
  const tab = () => sessionStorage;

  /* Times: "3 min ago" for a week, then the date; the exact time of the reader's own zone on hover. */
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });

  function tellTimes() {
    for (const time of all("time[datetime]")) {
      const moment = new Date(time.dateTime);
      const seconds = (moment - Date.now()) / 1000;
      if (Number.isNaN(seconds)) continue;
      time.title ||= exact.format(moment);
      time.dataset.written ??= time.textContent;
      const unit = units.find(([, length]) => -seconds >= length);
      if (-seconds > 7 * 86400 || seconds > 60) time.textContent = time.dataset.written;
      else time.textContent = unit ? relative.format(Math.trunc(seconds / unit[1]), unit[0]) : relative.format(0, "second");
    }
  }

  /* Text fields grow with their text, and say how much room is left when there is little. */
  const growsByItself = CSS.supports("field-sizing", "content");

  function tend(area) {
    // The browser would silently cut what is pasted; the server says what is too long, and loses nothing.
    const limit = area.maxLength;
    if (limit > 0) area.removeAttribute("maxlength");
    const note = area.form && area.form.querySelector(".left");
    const measure = () => {
      if (!growsByItself) {
        area.style.height = "auto";
        area.style.height = `${area.scrollHeight + 3}px`;
      }
      if (!note || limit <= 0) return;
      const left = limit - [...area.value].length;
      note.hidden = left > Math.min(2000, limit / 5);
      note.classList.toggle("over", left < 0);
      note.textContent = `${left.toLocaleString(language)} ${note.dataset.left}`;
    };
    area.addEventListener("input", measure);
    measure();
  }

  /* Drafts: per person and form, in this browser. They go when the server took them, and never before:
     the page after a form was taken is one that a redirect led to. */
  const draftKey = (form) => `draft:${viewer}:${new URL(form.action).pathname}`;

  function forgetWhatWasTaken() {
    const sent = kept(tab, "sent");
    keep(tab, "sent", "");
    const [arrival] = performance.getEntriesByType("navigation");
    const taken = arrival && arrival.type === "navigate" && arrival.redirectCount > 0;
    if (sent.startsWith(`draft:${viewer}:`) && taken && !document.querySelector(".sorry")) keep(here, sent, "");
  }

  function keepDraft(form) {
    const area = form.querySelector("textarea");
    const key = draftKey(form);
    const draft = kept(here, key);
    if (draft && !area.value) {
      area.value = draft;
      say(live.dataset.draft);
    }
    area.addEventListener("input", () => keep(here, key, area.value.trim() ? area.value : ""));
    form.addEventListener("submit", () => {
      keep(here, key, area.value);
      keep(tab, "sent", key);
    });
  }

  /* Favourite and follow without leaving the page: shown at once, taken back if the server did not agree. */
  function show(form, on) {
    const button = form.querySelector("button");
    button.dataset.state = on ? "on" : "off";
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", on);
    if (button.dataset.onLabel) {
      button.textContent = on ? button.dataset.onLabel : button.dataset.offLabel;
      button.classList.toggle("quiet", on);
    }
    button.classList.toggle("just", on);
    const count = button.querySelector("[data-count]");
    if (count) {
      const number = Math.max(0, Number(count.dataset.count) + (on ? 1 : -1));
      count.dataset.count = number;
      const short = new Intl.NumberFormat(language, { notation: "compact" }).format(number).toLowerCase();
      count.textContent = number ? short : "";
    }
    form.action = on ? form.dataset.off : form.dataset.on;
  }

  async function toggle(form) {
    const button = form.querySelector("button");
    const on = button.dataset.state !== "on";
    const request = { method: "POST", body: new FormData(form) };
    const address = form.action;
    show(form, on);
    try {
      const response = await fetch(address, request);
      response.body?.cancel();
      // A redirect to the door is not a yes.
      if (!response.ok || new URL(response.url).pathname.startsWith("/accounts/")) throw new Error("refused");
      say(on ? button.dataset.onSaid : button.dataset.offSaid);
    } catch {
      show(form, !on);
      say(live.dataset.failed);
    }
  }

  const busy = new WeakSet();

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (busy.has(form)) return event.preventDefault();
    busy.add(form);
    if ("toggle" in form.dataset) {
      event.preventDefault();
      await toggle(form);
      busy.delete(form);
    } else {
      event.submitter?.setAttribute("aria-disabled", "true");
      setTimeout(release, 8000);
    }
  });

  function release() {
    for (const form of document.forms) busy.delete(form);
    for (const button of all("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
  // Back from the browser's memory: forms may be sent again.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    keep(tab, "sent", "");
    release();
  });

  /* Keys */
  const shortcuts = () => kept(here, "shortcuts") !== "off";

  function walk(step) {
    const kwips = all(".kwip");
    const at = kwips.indexOf(document.activeElement?.closest(".kwip"));
    const next = kwips[at < 0 && step < 0 ? 0 : at + step];
    if (!next) return;
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && typing?.form) {
      event.preventDefault();
      return typing.form.requestSubmit();
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !shortcuts()) return;
    if (event.key === "j") walk(1);
    if (event.key === "k") walk(-1);
    if (event.key === "n" && viewer) {
      const area = document.querySelector('form[action="/kwip/"] textarea');
      event.preventDefault();
      if (area) area.focus();
      else location.assign("/kwip/");
    }
  });

  for (const box of all("[data-shortcuts]")) {
    box.parentElement.hidden = false;
    box.checked = shortcuts();
    box.addEventListener("change", () => keep(here, "shortcuts", box.checked ? "" : "off"));
  }

  forgetWhatWasTaken();
  if (viewer) all("form[data-draft]").forEach(keepDraft);
  all("textarea:not([readonly])").forEach(tend);
  document.querySelector("[aria-invalid=true]")?.focus();
  tellTimes();
  setInterval(tellTimes, 30000);
})();
