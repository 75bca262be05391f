/* kwippy: what a page does when the browser helps. Everything works without this file. */
(() => {
  "use strict";

  const language = document.documentElement.lang || "en";
  const viewer = document.body.dataset.viewer || "";
  const live = document.getElementById("live");
  const all = (selector) => [...document.querySelectorAll(selector)];

  let hiding = 0;

  function say(text, failed = false, link = null) {
    // Emptied first, so that the same words are said a second time.
    live.textContent = "";
    live.className = failed ? "toast" : "sr";
    clearTimeout(hiding);
    requestAnimationFrame(() => {
      live.textContent = text || "";
      if (link) live.append(" ", link);
    });
    // A link stays until it is used, or something else is said.
    if (failed && !link) hiding = setTimeout(() => { live.className = "sr"; }, 8000);
  }

  // To the door and back to this page.
  function door({ href, label }) {
    const link = document.createElement("a");
    link.href = `${href}?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = label;
    return link;
  }

  // Storage can be full, forbidden or absent: then nothing is kept.
  const stored = (work) => { try { return work() || ""; } catch { return ""; } };
  const kept = (store, key) => stored(() => window[store].getItem(key));
  const keep = (store, key, value) =>
    stored(() => (value ? window[store].setItem(key, value) : window[store].removeItem(key)));
  const [here, tab] = ["localStorage", "sessionStorage"];

  /* Times: "3 min ago" for a week, then the date; the exact time of the reader's own zone on hover. */
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const compact = new Intl.NumberFormat(language, { notation: "compact" });
  const inShort = (number) => compact.format(number).toLowerCase();
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
    const limit = Number(area.dataset.limit);
    const note = area.form && area.form.querySelector(".left");
    const measure = () => {
      if (!growsByItself) area.style.height = "auto";
      if (!growsByItself) area.style.height = `${area.scrollHeight + 3}px`;
      if (!note || !limit) return;
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
  function show(button, on) {
    button.dataset.state = on ? "on" : "off";
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", on);
    if (button.dataset.onLabel) {
      button.textContent = on ? button.dataset.onLabel : button.dataset.offLabel;
      button.classList.toggle("quiet", on);
    }
    button.classList.toggle("just", on);
    const count = button.querySelector("[data-count]");
    if (count) showCount(count, Math.max(0, Number(count.dataset.count) + (on ? 1 : -1)));
    button.formAction = on ? button.dataset.off : button.dataset.on;
  }

  function showCount(count, number) {
    count.dataset.count = number;
    count.textContent = number ? inShort(number) : "";
  }

  // The numbers elsewhere on the page that a click has moved, with the word for so many.
  function move(moved) {
    for (const [what, [number, word]] of Object.entries(moved)) {
      for (const place of all(`[data-moves="${what}"]`)) {
        place.querySelector("b").textContent = inShort(number);
        place.lastChild.textContent = place.lastChild.textContent.startsWith(" ") ? ` ${word}` : word;
      }
    }
  }

  async function toggle(button) {
    const on = button.dataset.state !== "on";
    const [address, body] = [button.formAction, new FormData(button.form)];
    show(button, on);
    try {
      const response = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
      const answer = await response.json();
      if (!response.ok) throw Object.assign(new Error(answer.error), { link: answer.link });
      if ("count" in answer) showCount(button.querySelector("[data-count]"), answer.count);
      move(answer.moved || {});
      say(on ? button.dataset.onSaid : button.dataset.offSaid);
    } catch (error) {
      show(button, !on);
      say((error.name === "Error" && error.message) || live.dataset.failed, true, error.link && door(error.link));
    }
  }

  /* New kwips are told of, never pushed in. */
  async function askForNews(line) {
    if (document.hidden) return;
    try {
      const { label } = await (await fetch(line.dataset.news)).json();
      if (label && line.hidden) say(label);
      line.hidden = !label;
      line.firstElementChild.textContent = label;
    } catch { /* the next time */ }
  }

  const busy = new WeakSet();

  document.addEventListener("submit", async (event) => {
    const [form, button] = [event.target, event.submitter];
    if (form.method !== "post") return;
    // Buttons that share a form are busy each for itself.
    const sender = button && "toggle" in button.dataset ? button : form;
    if (busy.has(sender)) return event.preventDefault();
    busy.add(sender);
    if (sender === button) {
      event.preventDefault();
      await toggle(button);
      return busy.delete(button);
    }
    button?.setAttribute("aria-disabled", "true");
    setTimeout(release, 8000);
  });

  function release() {
    for (const form of document.forms) busy.delete(form);
    for (const button of all("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
  // Back from the browser's memory: forms may be sent again, and what was sent was not taken after all.
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      keep(tab, "sent", "");
      release();
    }
  });

  forgetWhatWasTaken();
  if (viewer) all("form[data-draft]").forEach(keepDraft);
  all("textarea:not([readonly])").forEach(tend);
  document.querySelector("[aria-invalid=true]")?.focus();
  for (const line of all("[data-news]")) setInterval(() => askForNews(line), 60000);
  tellTimes();
  setInterval(tellTimes, 30000);
})();
